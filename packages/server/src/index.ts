// The public entry, for running Fanfare inside another Node program.
export type { Reloaded } from "./compose/reload.ts";
export { startServer, type RunningServer, type StartOptions } from "./compose/server.ts";
export { VERSION } from "./compose/version.ts";
export type { InProcess, RequestPeer } from "./compose/in-process.ts";
export { tuneProcess } from "./compose/tune-process.ts";
export type { GivenLogger } from "./ports/log.ts";
export type { NewEvent } from "./api/resources/events/in-process.ts";
export { customerScope, projectScope, type Scope } from "./core/access/principal.ts";
export { FanfareError, type ErrorCode, type Issue } from "./core/errors.ts";
export type * from "./engine/calls.ts";
export {
	backupDataDir,
	DEFAULT_MAX_WAL_MB,
	type BackupOptions,
	type BackupResult,
	type CopyProgress,
} from "./compose/offline/backup.ts";
export { restoreBackup, type RestoreOptions, type RestoreResult } from "./compose/offline/restore.ts";
export { checkMigration, migrateDataDir, type MigrationPlan } from "./compose/offline/migrate.ts";
export {
	migrateStore,
	type StoreMigrationOptions,
	type StoreMigrationProgress,
	type StoreMigrationResult,
} from "./compose/offline/migrate-store.ts";
export { rotateMasterKey } from "./compose/offline/rotate-master-key.ts";
export { generateSecret, generateSecretKey } from "./compose/secrets.ts";
export {
	ConfigError,
	describeSettings,
	readConfig,
	readSecret,
	renderConfigurationDoc,
	type Config,
	type Settings,
} from "./config.ts";
export { ListenError } from "./listen-error.ts";
export { isInjectedByKubernetes } from "./config/kubernetes.ts";
export type { Clock } from "./core/clock.ts";
export { ManualClock } from "./core/manual-clock.ts";
