// The embedded store in threads of its own: the server keeps running while the store waits for the disk or reads the log.
//
// One thread writes. Its calls are made one after the other, in their order. If it ends by itself (out of memory, a bug), every call
// rejects and the opener is told: acknowledged data is on the disk, and the next start continues from there. Calls that only read for
// somebody go to other threads (readers.ts), so that no commit waits for them, and those that change something for somebody take turns
// (writes.ts), so that few of them stand before a commit.
import type { Clock } from "../../../core/clock.ts";
import type { CustomerDeletionStep } from "../../../ports/store/customers.ts";
import type { StoreError } from "../../../ports/store/errors.ts";
import type { ReadBody } from "../../../ports/store/reads/list-reads.ts";
import { ownerOfRead, READ_NAMES, type ReadName } from "../../../ports/store/reads/read-owners.ts";
import type { Store } from "../../../ports/store/store.ts";
import { isOwnedWrite } from "../../../ports/store/writes/write-owners.ts";
import type { MoveProgress } from "../schema/move-rows.ts";
import type { SqliteStoreOptions } from "../sqlite-store.ts";
import { Readers } from "./readers.ts";
import { ThreadLink } from "./thread-link.ts";
import { Writes } from "./writes.ts";

const YOUNG_GENERATION_MB = 12;
/** What the writing thread reads while a caller waits for it. */
const OTHER_READS: ReadonlySet<string> = new Set<keyof Store>([
	"webhookRecords",
	"webhookHealth",
	"relay",
	"usage",
	"internalEventTypes",
	"projectChanges",
	"directoryVersions",
	"countOpen",
]);

export interface ThreadedStoreOptions extends SqliteStoreOptions {
	/** The program of the threads that read, which calls `serveReads`. */
	readonly readerProgram: URL;
	/** Says when a change has waited for too long, and how long reads take. */
	readonly clock: Pick<Clock, "after" | "monotonicMs">;
}

/** A store whose thread is running. */
export interface ThreadedStore {
	readonly store: Store;
	readonly readBody: ReadBody;
	/**
	 * Resolves if the thread ends although nobody has closed the store, with the error that all calls reject with from
	 * then on (`store_unavailable`). Stays pending otherwise, also after `close`. The end of a thread that only reads rejects
	 * its reads, and nothing else.
	 */
	readonly died: Promise<StoreError>;
}

type Call = (...parameters: readonly unknown[]) => Promise<unknown>;

/**
 * Opens the store like `openSqliteStore`, in threads of its own. `path` must be a file. Calls `onProgress` again and again while rows
 * of an earlier version are moved, which can take minutes. If the process ends meanwhile, the next opening goes on with it.
 *
 * @example
 * const { store, died } = await openThreadedSqliteStore({ path: "fanfare.db", now: clock.now(), clock, readerProgram });
 * void died.then((error) => console.error(error.message));
 */
export async function openThreadedSqliteStore(
	{ clock, readerProgram, ...options }: ThreadedStoreOptions,
	onProgress: (progress: MoveProgress) => void = () => {},
): Promise<ThreadedStore> {
	const thread = new ThreadLink({
		program: new URL(`./store-thread${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`, import.meta.url),
		name: "fanfare-store",
		workerData: options,
		youngGenerationMb: YOUNG_GENERATION_MB,
		mayChange: (name) => !isRead(name) && !OTHER_READS.has(name),
		onNote: (message) => {
			if (message.note === "progress") onProgress(message.progress);
			else readers.pulledIn(message.pulledIn);
		},
		deathMessage: (cause) =>
			`the store's thread has ended unexpectedly (${cause}): start the server again, it continues from the data on the disk`,
	});
	const readers = new Readers({
		path: options.path,
		program: readerProgram,
		writer: {
			read: (name, parameters) => thread.call(name, parameters),
			emptyWal: () => thread.call("releaseSpace", [0]),
		},
		clock,
	});
	const writes = new Writes(clock);
	void thread.died.then((error) => readers.fail(error));
	try {
		const names = (await thread.opened) as readonly string[];
		const calls = names.map((name): [string, Call] => [name, callOf(name, { thread, readers, writes })]);
		const close = async () => {
			// The last connection to close empties the WAL, which must be the one that can write.
			await Promise.all([writes.close(), readers.close()]);
			await thread.close();
		};
		const store = { ...(Object.fromEntries(calls) as unknown as Store), close };
		const readBody = ((name, parameters) =>
			readers.readBody(ownerOfRead(name, parameters), name, parameters)) as ReadBody;
		return { store, readBody, died: thread.died };
	} catch (error) {
		await thread.end();
		throw error;
	}
}

/** The parts that make calls. */
interface Parts {
	readonly thread: ThreadLink;
	readonly readers: Readers;
	readonly writes: Writes;
}

function callOf(name: string, { thread, readers, writes }: Parts): Call {
	if (isRead(name)) return (...parameters) => readers.read(ownerOfRead(name, parameters), name, parameters);
	const call: Call = (...parameters) => thread.call(name, parameters);
	if (isOwnedWrite(name)) return (...parameters) => writes.run(name, parameters, call);
	switch (name) {
		// A snapshot that somebody reads would keep it from emptying the WAL.
		case "releaseSpace":
			return (...parameters) => readers.pause(() => call(...parameters));
		case "purgeDeletedProjects":
		case "purgeDeletedWebhooks":
			return async (...parameters) => {
				const result = await call(...parameters);
				readers.forget();
				return result;
			};
		case "stepCustomerDeletion":
			return async (...parameters) => {
				const step = (await call(...parameters)) as CustomerDeletionStep;
				if (step.kind === "erased" && step.hasChangedWebhook) readers.forget();
				return step;
			};
		default:
			return call;
	}
}

function isRead(name: string): name is ReadName {
	return (READ_NAMES as readonly string[]).includes(name);
}
