// A thread that reads, for tests of such threads. Its bodies are the pages as they are.
import type { ListBodies } from "../../../ports/store/reads/list-reads.ts";
import { serveReads } from "../thread/serve-reads.ts";

const asIs = (page: unknown) => JSON.stringify(page);
const BODIES: ListBodies = {
	deliveries: asIs,
	changedDeliveries: asIs,
	events: asIs,
	attempts: asIs,
	auditEntries: asIs,
};

serveReads(BODIES);
