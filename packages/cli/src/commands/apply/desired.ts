// The contents of a file of `fanfare apply`.
import type { EventTypeSettings, UpdateProject } from "@fanfare/sdk";

/** A webhook of the file. What is undefined stays as it is. */
export interface DesiredWebhook {
	/** Its identity. */
	readonly key: string;
	readonly name?: string | undefined;
	readonly endpoint?: string | undefined;
	readonly customer?: string | undefined;
	readonly eventTypes?: readonly string[] | null | undefined;
	readonly description?: string | null | undefined;
	/** With their values. */
	readonly headers?: Readonly<Record<string, string>> | undefined;
	readonly secret?: string | undefined;
	readonly metadata?: Readonly<Record<string, string>> | undefined;
	readonly timeout?: number | undefined;
	readonly rateLimit?: number | null | undefined;
	readonly disableAfter?: number | undefined;
	readonly maxRetries?: number | undefined;
	readonly maxRetryDelay?: number | undefined;
	readonly schedule?: readonly number[] | null | undefined;
	readonly paused?: boolean | undefined;
}

/** An event type of the file. */
export interface DesiredEventType extends EventTypeSettings {
	readonly name: string;
}

/** Everything that a file asks for. */
export interface Desired {
	/** The id of the file, by which `--prune` knows what the file has made. */
	readonly id: string;
	readonly project: Omit<UpdateProject, "revision">;
	readonly eventTypes: readonly DesiredEventType[];
	readonly webhooks: readonly DesiredWebhook[];
}

/** A place in a file: the names and indexes that lead to it. */
export type Path = readonly (string | number)[];

/** A value that is not what it must be, and where it is. */
export class FileProblem extends Error {
	override readonly name = "FileProblem";
	readonly path: Path;

	constructor(path: Path, message: string) {
		super(message);
		this.path = path;
	}
}

/** The text before a message about a place: `fanfare.yaml:12`. */
export type Locate = (path: Path) => string;

/** Metadata with which a webhook is marked: the file that has made it. */
export const FILE_MARK = "fanfare.file";
/** The digest of the values of headers, which are never returned. */
export const HEADERS_MARK = "fanfare.headers";
