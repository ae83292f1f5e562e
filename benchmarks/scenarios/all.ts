// Every scenario, in the order of a run.
import type { Scenario } from "../scenario.ts";
import { batchesOf100 } from "./batches-of-100.ts";
import { idle } from "./idle.ts";
import { oneEvent } from "./one-event.ts";
import { steady2000 } from "./steady-2000.ts";

export const SCENARIOS: readonly Scenario[] = [oneEvent, batchesOf100, steady2000, idle];
