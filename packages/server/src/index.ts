// The public entry: Fanfare in your own Node program.
export { rotateMasterKey, startServer, VERSION, type RunningServer, type StartOptions } from "./compose/embedded.ts";
export { exportOpenApiDocument } from "./api/resources/table.ts";
export { ConfigError, describeSettings, readConfig, renderConfigurationDoc, type Config } from "./config.ts";
export type { Clock } from "./core/clock.ts";
export { ManualClock } from "./core/manual-clock.ts";
export { generateSecretKey } from "./core/crypto/key.ts";
export { generateSecret } from "./core/crypto/signing.ts";
