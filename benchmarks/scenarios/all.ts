// Every scenario, in the order of a run.
import type { Scenario } from "../scenario.ts";
import { batchesOf100 } from "./batches-of-100.ts";
import { fanOut1000 } from "./fan-out-1000.ts";
import { idle } from "./idle.ts";
import { logPages1m } from "./log-pages-1m.ts";
import { oneEvent } from "./one-event.ts";
import { payloadSizes } from "./payload-sizes.ts";
import { purgeBesideLive } from "./purge-beside-live.ts";
import { replayBesideLive } from "./replay-beside-live.ts";
import { replayToEnd } from "./replay-to-end.ts";
import { startUp } from "./start-up.ts";
import { steady2000 } from "./steady-2000.ts";
import { tenOfHundredHang } from "./ten-of-hundred-hang.ts";
import { waiting1m } from "./waiting-1m.ts";
import { webhookCounts } from "./webhook-counts.ts";

export const SCENARIOS: readonly Scenario[] = [
	oneEvent,
	batchesOf100,
	steady2000,
	fanOut1000,
	idle,
	payloadSizes,
	webhookCounts,
	waiting1m,
	tenOfHundredHang,
	logPages1m,
	replayBesideLive,
	replayToEnd,
	purgeBesideLive,
	startUp,
];
