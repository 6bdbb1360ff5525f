export { createTestDatabase, type TestDatabase } from './database.ts';
export {
  makeServerFolder,
  type RestartableServer,
  type ServerFolder,
  startRestartableServer,
  startTestServer,
  type TestServer,
} from './server.ts';
