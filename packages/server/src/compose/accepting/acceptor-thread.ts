// The program of the thread that accepts requests: `open-http.ts` starts it.
import { parentPort, workerData } from "node:worker_threads";

import { acceptRequests } from "../../acceptor/accept-requests.ts";
import type { AcceptorData } from "../../acceptor/messages.ts";
import { systemClock } from "../../adapters/system/system-clock.ts";

if (parentPort !== null) acceptRequests(parentPort, workerData as AcceptorData, systemClock);
