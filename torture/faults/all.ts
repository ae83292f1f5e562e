// All faults, in the order of `--list`.
import type { Fault } from "../fault.ts";
import { memberChanges } from "./cluster/member-changes.ts";
import {
	clusterDatabaseCrash,
	clusterDatabaseFailover,
	clusterDatabaseRestart,
	memberReset,
	memberSilent,
	memberSuspended,
} from "./cluster/member-cut.ts";
import { memberKill, memberKillAll, memberLeaves, rollingRestart } from "./cluster/member-ends.ts";
import { natsAndMemberKill, natsCut, natsDies, natsSlow } from "./cluster/nats-away.ts";
import { natsDoubled } from "./cluster/nats-doubled.ts";
import { notesDoubled } from "./cluster/notes-doubled.ts";
import { roleKill, roleKillWorkers } from "./cluster/roles-end.ts";
import { rollingBack, rollingUpgrade } from "./cluster/rolling-upgrade.ts";
import { clusterDatabaseClock, databaseClock } from "./database/database-clock.ts";
import { databaseConnections, databaseDeadRows, databaseLocked } from "./database/database-connections.ts";
import { databaseAndServerCrash, databaseCrash, databaseFailover, databaseRestart } from "./database/database-ends.ts";
import { databaseFull, databaseWalFull } from "./database/database-full.ts";
import { clusterMigration, databaseMigration } from "./database/database-migration.ts";
import { databaseCut, databaseSlow } from "./database/database-network.ts";
import { diskFailing } from "./disk/disk-failing.ts";
import { diskFull, diskFullKill } from "./disk/disk-full.ts";
import { readOnlyStart } from "./disk/read-only-start.ts";
import { slowDisk } from "./disk/slow-disk.ts";
import { greedyCustomer } from "./neighbours/greedy-customer.ts";
import { greedyProject } from "./neighbours/greedy-project.ts";
import { wideBatch } from "./neighbours/wide-batch.ts";
import { descriptors } from "./process/descriptors.ts";
import { killCustomer } from "./process/kill-customer.ts";
import { killMigration } from "./process/kill-migration.ts";
import { killRecovery } from "./process/kill-recovery.ts";
import { killReplay } from "./process/kill-replay.ts";
import { killRetention } from "./process/kill-retention.ts";
import { killStart } from "./process/kill-start.ts";
import { kill } from "./process/kill.ts";
import { secondSignal } from "./process/second-signal.ts";
import { sigstop } from "./process/sigstop.ts";
import { sigterm } from "./process/sigterm.ts";
import { receiver410 } from "./receivers/receiver-410.ts";
import { receiver429 } from "./receivers/receiver-429.ts";
import { receiverCloses } from "./receivers/receiver-closes.ts";
import { receiverDrips } from "./receivers/receiver-drips.ts";
import { receiverEndlessBody } from "./receivers/receiver-endless-body.ts";
import { receiverEndlessHeaders } from "./receivers/receiver-endless-headers.ts";
import { receiverGarbage } from "./receivers/receiver-garbage.ts";
import { receiverGzipBomb } from "./receivers/receiver-gzip-bomb.ts";
import { receiverHalfStatusLine } from "./receivers/receiver-half-status-line.ts";
import { receiverHangs } from "./receivers/receiver-hangs.ts";
import { receiverLargeBody } from "./receivers/receiver-large-body.ts";
import { receiverRedirects } from "./receivers/receiver-redirects.ts";
import { receiverResets } from "./receivers/receiver-resets.ts";
import { receiverSilent } from "./receivers/receiver-silent.ts";
import { overload } from "./senders/overload.ts";
import { senderDeepJson, senderTruncatedJson } from "./senders/sender-bad-json.ts";
import { senderDisconnects } from "./senders/sender-disconnects.ts";
import { senderDuplicates } from "./senders/sender-duplicates.ts";
import { senderHugeBatches } from "./senders/sender-huge-batches.ts";
import { senderSlowloris } from "./senders/sender-slowloris.ts";
import { eventTypes } from "./settings/event-types.ts";
import { killChanges } from "./settings/kill-changes.ts";
import { masterKeyInEnvironment, masterKeyInFile } from "./settings/master-key.ts";
import { rotateKeys, rotateSecret } from "./settings/rotations.ts";
import { relayClients, relayMembers } from "./streams/relay-clients.ts";
import { streamClients } from "./streams/stream-clients.ts";
import { streamUnread } from "./streams/stream-unread.ts";
import { clockBack } from "./world/clock-back.ts";
import { clockForward } from "./world/clock-forward.ts";
import { namesBlocked } from "./world/names-blocked.ts";
import { namesChange } from "./world/names-change.ts";
import { proxyBlocked, proxyFails, proxyKill } from "./world/proxy.ts";

export const FAULTS: readonly Fault[] = [
	kill,
	killStart,
	killRecovery,
	killMigration,
	killCustomer,
	killReplay,
	killRetention,
	sigterm,
	secondSignal,
	sigstop,
	descriptors,
	diskFull,
	diskFullKill,
	diskFailing,
	readOnlyStart,
	slowDisk,
	databaseCrash,
	databaseRestart,
	databaseAndServerCrash,
	databaseFailover,
	databaseConnections,
	databaseLocked,
	databaseDeadRows,
	databaseFull,
	databaseWalFull,
	databaseSlow,
	databaseCut,
	databaseClock,
	databaseMigration,
	greedyCustomer,
	greedyProject,
	wideBatch,
	clockForward,
	clockBack,
	receiverHangs,
	receiverSilent,
	receiverDrips,
	receiverEndlessBody,
	receiverEndlessHeaders,
	receiverLargeBody,
	receiverGzipBomb,
	receiverGarbage,
	receiverHalfStatusLine,
	receiverResets,
	receiverCloses,
	receiverRedirects,
	receiver429,
	receiver410,
	namesChange,
	namesBlocked,
	proxyFails,
	proxyKill,
	proxyBlocked,
	overload,
	senderDisconnects,
	senderSlowloris,
	senderTruncatedJson,
	senderDeepJson,
	senderHugeBatches,
	senderDuplicates,
	eventTypes,
	killChanges,
	rotateKeys,
	rotateSecret,
	masterKeyInFile,
	masterKeyInEnvironment,
	streamClients,
	streamUnread,
	relayClients,
	memberKill,
	memberKillAll,
	roleKill,
	roleKillWorkers,
	memberLeaves,
	rollingRestart,
	rollingUpgrade,
	rollingBack,
	memberSuspended,
	memberSilent,
	memberReset,
	memberChanges,
	notesDoubled,
	relayMembers,
	clusterDatabaseCrash,
	clusterDatabaseRestart,
	clusterDatabaseFailover,
	clusterDatabaseClock,
	clusterMigration,
	natsDies,
	natsCut,
	natsSlow,
	natsAndMemberKill,
	natsDoubled,
];
