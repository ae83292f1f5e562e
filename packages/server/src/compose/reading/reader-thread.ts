// The program of a thread that reads the log of a data directory: `reader-program.ts` says where it is.
import { serveReads } from "../../adapters/sqlite/thread/serve-reads.ts";
import { LIST_BODIES } from "../../api/resources/list-bodies.ts";

serveReads(LIST_BODIES);
