// The sources of an older version, for processes that are upgraded.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { commitBefore, unpackRef, WORKING_TREE } from "@fanfare/testkit/programs/server-code";

import type { FaultOptions } from "../../fault.ts";
import type { Round } from "../../round.ts";
import { EQUAL } from "./roles.ts";

/** What changes with the schema. A version from before its last change also sends and reads older messages. */
const SCHEMA = "packages/server/src/adapters/postgres/schema/migrations";

/** Why there are no older sources; null if there may be. */
export function historyIssue(): string | null {
	return existsSync(join(WORKING_TREE, ".git"))
		? null
		: "the older version comes from the history, and this is no git checkout";
}

/** Makes the processes of a round start with the sources of the older version. */
export async function startWithOlder(round: Round, { before }: FaultOptions): Promise<void> {
	const ref = before ?? (await commitBefore(SCHEMA));
	if (ref === null)
		throw new Error("the history has no version before the last change of the schema: name one with --before");
	round.codeDir = await unpackRef(ref, round.dir.path, "--before");
	round.roles = EQUAL;
	// It may not know these settings, and refuses those that it does not know.
	for (const setting of ["FANFARE_SENDER_THREADS", "FANFARE_ACCEPTOR_THREADS"]) delete round.env[setting];
	// Between two releases, both have the same version.
	const path = join(round.codeDir, "packages", "server", "package.json");
	const manifest = JSON.parse(readFileSync(path, "utf8")) as { readonly version: string };
	writeFileSync(path, JSON.stringify({ ...manifest, version: `${manifest.version}-older` }));
}
