// Every scenario, in the order of a run.
import type { Scenario } from "../scenario.ts";
import { logPages1m } from "./log/log-pages-1m.ts";
import { purgeBesideLive } from "./log/purge-beside-live.ts";
import { replayBesideLive } from "./log/replay-beside-live.ts";
import { replayToEnd } from "./log/replay-to-end.ts";
import { startUp } from "./log/start-up.ts";
import { payloadSizes } from "./shape/payload-sizes.ts";
import { rateLimits } from "./shape/rate-limits.ts";
import { tenOfHundredHang } from "./shape/ten-of-hundred-hang.ts";
import { waiting1m } from "./shape/waiting-1m.ts";
import { webhookCounts } from "./shape/webhook-counts.ts";
import { batchesOf100 } from "./speed/batches-of-100.ts";
import { fanOut1000 } from "./speed/fan-out-1000.ts";
import { idle } from "./speed/idle.ts";
import { oneEvent } from "./speed/one-event.ts";
import { steady2000 } from "./speed/steady-2000.ts";

export const SCENARIOS: readonly Scenario[] = [
	oneEvent,
	batchesOf100,
	steady2000,
	fanOut1000,
	idle,
	payloadSizes,
	webhookCounts,
	rateLimits,
	waiting1m,
	tenOfHundredHang,
	logPages1m,
	replayBesideLive,
	replayToEnd,
	purgeBesideLive,
	startUp,
];
