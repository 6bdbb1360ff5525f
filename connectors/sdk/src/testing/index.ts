export { StopControl } from '../stop-control.ts';
export { asLines, messagesOf, testCatalog, testRecord, testStream, testTime } from './builders.ts';
export { FakeClock } from './fake-clock.ts';
export { type CommandResult, type CommandSurroundings, runConnectorForTest } from './run-for-test.ts';
export { seededRandom } from './seeded-random.ts';
