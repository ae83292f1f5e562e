// A thread that reads once it has got a message, for tests of what waits for its start.
import { once } from "node:events";
import { BroadcastChannel } from "node:worker_threads";

import { READER_STARTS } from "./reader-program.ts";

const starts = new BroadcastChannel(READER_STARTS);
await once(starts, "message");
starts.close();
await import("./reader-thread.ts");
