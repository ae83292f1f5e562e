// The public entry, for running Fanfare inside another Node program.
export { startServer, VERSION, type RunningServer, type StartOptions } from "./compose/embedded.ts";
export {
	backupDataDir,
	DEFAULT_MAX_WAL_MB,
	type BackupOptions,
	type BackupResult,
	type CopyProgress,
} from "./compose/backup.ts";
export { restoreBackup, type RestoreOptions, type RestoreResult } from "./compose/restore.ts";
export { checkMigration, migrateDataDir, type MigrationPlan } from "./compose/migrate.ts";
export { rotateMasterKey } from "./compose/rotate-master-key.ts";
export { generateSecret, generateSecretKey } from "./compose/secrets.ts";
export { renderAccessTable, exportOpenApiDocument } from "./api/resources/table.ts";
export { ConfigError, describeSettings, readConfig, renderConfigurationDoc, type Config } from "./config.ts";
export type { Clock } from "./core/clock.ts";
export { ManualClock } from "./core/manual-clock.ts";
