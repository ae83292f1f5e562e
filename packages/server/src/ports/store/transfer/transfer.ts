// The transfer of all rows from one kind of store to another, while no server uses either of them: see compose/offline/migrate-store.ts.
import type { StoreIdentity } from "../lifecycle.ts";
import type { PartName, TransferRows } from "./rows.ts";

/** The properties of a store besides its rows. */
export interface TransferHead {
	readonly identity: StoreIdentity;
	/** The version of the workspace. */
	readonly version: number;
	/** By how much ids were ever ahead of dates, in milliseconds. */
	readonly idLeadMs: number;
	/** By how much the numbers of changes were ever ahead of their times. */
	readonly changeLead: number;
}

/** How far a transfer is: at a place in a part. */
export interface TransferPosition {
	/** Null: the rows of all parts are written. */
	readonly part: PartName | null;
	/** The place after which it goes on, in words of the source; null: at the beginning of the part. */
	readonly after: string | null;
}

/** Some rows, in order. */
export interface TransferStep<Row> {
	readonly rows: readonly Row[];
	/** The place after them; null if there are no more. */
	readonly next: string | null;
}

export type RowCounts = Readonly<Record<PartName, number>>;

/** A store that is read. It is not changed. */
export interface TransferSource {
	readonly head: TransferHead;
	/** Another text if the rows may be others than before: a transfer that was interrupted can't go on then. */
	readonly state: string;
	/** The number of the rows that `read` returns; that of `attempts` counts the first attempts of deliveries, too. */
	count(): RowCounts;
	/** Reads some rows after a place: about as many as one transaction should write. */
	read<Name extends PartName>(part: Name, after: string | null): TransferStep<TransferRows[Name]>;
	close(): void;
}

export interface BeginOptions {
	readonly workspaceId: string;
	/** `TransferSource.state`. */
	readonly state: string;
	/** Whether an unfinished transfer of the same workspace begins anew. */
	readonly restart: boolean;
}

/** A store that is written. No server can open it until the transfer has ended. */
export interface TransferTarget {
	/**
	 * Begins, or goes on where an earlier process was: returns how far the transfer is. It begins anew, with no rows, if the source has
	 * changed since. Rejects with a `StoreError` if the store has other data.
	 */
	begin(options: BeginOptions): Promise<TransferPosition>;
	/** Writes the rows of a step, and how far the transfer is then, in one transaction. Rejects if another process does the same. */
	write<Name extends PartName>(
		part: Name,
		rows: readonly TransferRows[Name][],
		moved: { readonly from: TransferPosition; readonly to: TransferPosition },
	): Promise<void>;
	count(): Promise<RowCounts>;
	/** Writes what makes it a store: from now on a server can use it. All of it is on the disk then. */
	finish(head: TransferHead): Promise<void>;
	close(): Promise<void>;
}
