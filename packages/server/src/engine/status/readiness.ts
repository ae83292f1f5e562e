// Whether this process can do its work, which depends on its role.
import type { Membership } from "../../ports/membership.ts";
import type { Readiness } from "../calls.ts";
import type { CommitWatch } from "../committing/commit-watch.ts";
import type { DeliveryLine } from "../delivering/delivery-line.ts";

type Check = Readiness["checks"][string];

interface Found {
	readonly commits: Pick<CommitWatch, "check">;
	readonly line: Pick<DeliveryLine, "check">;
	/** Null if the process runs alone. */
	readonly membership: Membership | null;
	readonly isStopping: boolean;
}

const STOPPING: Check = { ok: false, message: "the server is shutting down" };

/** What to do about a cluster in which nobody delivers. The beginning of a sentence. */
const NOBODY_DELIVERS =
	"no process delivers: what is accepted waits. Start one with the role worker or all (FANFARE_ROLE) on the same database";

/**
 * A process without deliveries of its own is ready also while nobody delivers: it accepts, and the deliveries wait. `delivery` says so
 * and is not ok; the other checks have to pass.
 */
export async function readinessOf({ commits, line, membership, isStopping }: Found): Promise<Readiness> {
	const problem = await commits.check();
	const store = { ok: problem === null, message: problem ?? "the store can be written" };
	if (membership === null) {
		const dispatcher = isStopping ? STOPPING : line.check();
		return { ready: store.ok && dispatcher.ok, checks: { store, dispatcher } };
	}
	const member = isStopping ? STOPPING : memberCheck(membership);
	if (membership.role === "api") {
		return { ready: store.ok && member.ok, checks: { store, membership: member, delivery: deliveryCheck(membership) } };
	}
	const dispatcher = isStopping ? STOPPING : line.check();
	return { ready: store.ok && member.ok && dispatcher.ok, checks: { store, membership: member, dispatcher } };
}

function memberCheck({ isMember }: Membership): Check {
	if (isMember()) return { ok: true, message: "the process is a member of the cluster" };
	return {
		ok: false,
		message:
			"the process is no member of the cluster, or can't read what others have changed: the database does not answer in time",
	};
}

function deliveryCheck({ deliverers }: Membership): Check {
	const count = deliverers();
	if (count === 0) return { ok: false, message: NOBODY_DELIVERS };
	return { ok: true, message: count === 1 ? "one process delivers" : `${count} processes deliver` };
}
