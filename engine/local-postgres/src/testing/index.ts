export { createTestDatabase, type TestDatabase } from './database.ts';
export { makeServerFolder, type ServerFolder, startTestServer, type TestServer } from './server.ts';
