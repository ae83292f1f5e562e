// The program of a thread that makes attempts: `open-sender.ts` starts it.
import { parentPort, workerData } from "node:worker_threads";

import type { ThreadData } from "../../adapters/http/thread/messages.ts";
import { serveRequests } from "../../adapters/http/thread/serve-requests.ts";
import { systemClock } from "../../adapters/system/system-clock.ts";

if (parentPort !== null) serveRequests(parentPort, workerData as ThreadData, systemClock);
