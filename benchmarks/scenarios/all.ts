// Every scenario, in the order of a run.
import type { Scenario } from "../scenario.ts";
import { cluster1500 } from "./cluster/cluster-1500.ts";
import { postgres1000 } from "./cluster/postgres-1000.ts";
import { postgresLog1m } from "./cluster/postgres-log-1m.ts";
import { commandStart } from "./log/command-start.ts";
import { logFilters1m } from "./log/log-filters-1m.ts";
import { logPages1m } from "./log/log-pages-1m.ts";
import { migrate1m } from "./log/migrate-1m.ts";
import { purgeBesideLive } from "./log/purge-beside-live.ts";
import { readsBeside } from "./log/reads-beside.ts";
import { replayBesideLive } from "./log/replay-beside-live.ts";
import { replayToEnd } from "./log/replay-to-end.ts";
import { retentionBeside } from "./log/retention-beside.ts";
import { serverStart } from "./log/server-start.ts";
import { startUp } from "./log/start-up.ts";
import { manyWebhooks } from "./shape/many-webhooks.ts";
import { nastiestBodies } from "./shape/nastiest-bodies.ts";
import { payloadSizes } from "./shape/payload-sizes.ts";
import { projectHangs } from "./shape/project-hangs.ts";
import { rateLimits } from "./shape/rate-limits.ts";
import { refusals } from "./shape/refusals.ts";
import { refusedBeside } from "./shape/refused-beside.ts";
import { relaysBeside } from "./shape/relays-beside.ts";
import { tenOfHundredHang } from "./shape/ten-of-hundred-hang.ts";
import { waiting1m } from "./shape/waiting-1m.ts";
import { webhookCounts } from "./shape/webhook-counts.ts";
import { wideBatch } from "./shape/wide-batch.ts";
import { batchesOf100 } from "./speed/batches-of-100.ts";
import { comparators } from "./speed/comparators.ts";
import { fanOut1000 } from "./speed/fan-out-1000.ts";
import { idleStreams } from "./speed/idle-streams.ts";
import { idle } from "./speed/idle.ts";
import { oneEvent } from "./speed/one-event.ts";
import { quiet200 } from "./speed/quiet-200.ts";
import { relayDeliveries } from "./speed/relay-deliveries.ts";
import { steady2000 } from "./speed/steady-2000.ts";
import { storeSql } from "./speed/store-sql.ts";
import { acceptorThreads, senderThreads } from "./speed/worker-threads.ts";

export const SCENARIOS: readonly Scenario[] = [
	oneEvent,
	batchesOf100,
	steady2000,
	quiet200,
	fanOut1000,
	idle,
	idleStreams,
	storeSql,
	relayDeliveries,
	senderThreads,
	acceptorThreads,
	comparators,
	payloadSizes,
	webhookCounts,
	manyWebhooks,
	rateLimits,
	waiting1m,
	tenOfHundredHang,
	projectHangs,
	relaysBeside,
	wideBatch,
	nastiestBodies,
	refusals,
	refusedBeside,
	logPages1m,
	logFilters1m,
	readsBeside,
	replayBesideLive,
	replayToEnd,
	purgeBesideLive,
	retentionBeside,
	startUp,
	migrate1m,
	serverStart,
	commandStart,
	postgres1000,
	postgresLog1m,
	cluster1500,
];
