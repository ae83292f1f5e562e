// All faults, in the order in which they are shown.
import type { Fault } from "../fault.ts";
import { clockBack } from "./clock-back.ts";
import { clockForward } from "./clock-forward.ts";
import { diskFailing } from "./disk-failing.ts";
import { diskFull, diskFullKill } from "./disk-full.ts";
import { killMigration } from "./kill-migration.ts";
import { killRecovery } from "./kill-recovery.ts";
import { killReplay } from "./kill-replay.ts";
import { killRetention } from "./kill-retention.ts";
import { killStart } from "./kill-start.ts";
import { kill } from "./kill.ts";
import { namesBlocked } from "./names-blocked.ts";
import { namesChange } from "./names-change.ts";
import { overload } from "./overload.ts";
import { readOnlyStart } from "./read-only-start.ts";
import { receiver410 } from "./receiver-410.ts";
import { receiver429 } from "./receiver-429.ts";
import { receiverCloses } from "./receiver-closes.ts";
import { receiverDrips } from "./receiver-drips.ts";
import { receiverEndlessBody } from "./receiver-endless-body.ts";
import { receiverEndlessHeaders } from "./receiver-endless-headers.ts";
import { receiverGarbage } from "./receiver-garbage.ts";
import { receiverGzipBomb } from "./receiver-gzip-bomb.ts";
import { receiverHalfStatusLine } from "./receiver-half-status-line.ts";
import { receiverHangs } from "./receiver-hangs.ts";
import { receiverLargeBody } from "./receiver-large-body.ts";
import { receiverRedirects } from "./receiver-redirects.ts";
import { receiverResets } from "./receiver-resets.ts";
import { receiverSilent } from "./receiver-silent.ts";
import { secondSignal } from "./second-signal.ts";
import { senderDeepJson, senderTruncatedJson } from "./sender-bad-json.ts";
import { senderDisconnects } from "./sender-disconnects.ts";
import { senderDuplicates } from "./sender-duplicates.ts";
import { senderHugeBatches } from "./sender-huge-batches.ts";
import { senderSlowloris } from "./sender-slowloris.ts";
import { sigstop } from "./sigstop.ts";
import { sigterm } from "./sigterm.ts";

export const FAULTS: readonly Fault[] = [
	kill,
	killStart,
	killRecovery,
	killMigration,
	killReplay,
	killRetention,
	sigterm,
	secondSignal,
	sigstop,
	diskFull,
	diskFullKill,
	diskFailing,
	readOnlyStart,
	clockForward,
	clockBack,
	overload,
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
	senderDisconnects,
	senderSlowloris,
	senderTruncatedJson,
	senderDeepJson,
	senderHugeBatches,
	senderDuplicates,
];
