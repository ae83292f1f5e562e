// The public entry: Fanfare in your own Node program.
export { rotateMasterKey, startServer, VERSION, type RunningServer, type StartOptions } from "./compose.ts";
export { exportOpenApiDocument } from "./api/routes/table.ts";
export { ConfigError, describeSettings, readConfig, renderConfigurationDoc, type Config } from "./config.ts";
export type { Clock } from "./core/clock.ts";
export { ManualClock } from "./core/manual-clock.ts";
export { generateSecretKey } from "./core/key.ts";
export { generateSecret } from "./core/signing.ts";
