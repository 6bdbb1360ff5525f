export type { ConnectionConfig } from './connection-config.ts';
export { addressOf, connectionError, isLoopback, type Target } from './connection-error.ts';
export { type ConnectionPlan, isSocketFolder, locateServers, planConnection, type Server } from './connection-plan.ts';
export { finishWithin, isOutOfReach, type OpenClient, openClient, targetOf } from './open-client.ts';
export { breakOff, bytesMoved, hangUp, isBusy, processIdOf } from './raw-connection.ts';
export { isFromServer, type PostgresError, reasonOf } from './server-error.ts';
export { type Safety, type SslMode, safetyAdvice, safetyText } from './tls-mode.ts';
