// The promises about members and owners: epochs never overlap, only owners serve a webhook, and only members that deliver are owners, limits hold whoever serves it, and nothing is left behind.
import { shardOf } from "../../../packages/server/src/core/cluster/shard.ts";
import type { Member } from "./member.ts";
import type { Members } from "./members.ts";
import type { OwnerChange } from "./owner-record.ts";
import { delivers } from "./roles.ts";
import type { Surroundings } from "./surroundings.ts";

/** Times are rounded to milliseconds by both sides. */
const ROUNDING_MS = 2;
const SECOND_MS = 1_000;
/** For so long, this process may stand still on a busy machine, and see requests late. */
const STALL_MS = 500;

type Request = Surroundings["book"]["seen"][number];

/** Checks a cluster whose processes have all stopped gracefully. */
export async function judgeCluster(round: Surroundings, members: Members): Promise<void> {
	const [changes, joins] = await Promise.all([members.record.changes(), members.record.joins()]);
	const byId = new Map(joins.map(({ id, port }) => [id, members.servingOn(port)]));
	const byShard = Map.groupBy(changes, ({ shard }) => shard);
	for (const text of [...byShard.values()].flatMap(overlaps)) round.breach("wrong state", text);
	for (const text of strangeOwners(changes, byId)) round.breach("wrong state", text);
	for (const text of strangeServers(round, members, byShard, byId)) round.breach("wrong state", text);
	for (const text of exceededLimits(round)) round.breach("wrong state", text);
	await judgeRest(round);
}

/** What is wrong with the changes of one shard: an owner is followed by nobody, and nobody by an owner with the next epoch. */
export function overlaps(changes: readonly OwnerChange[]): string[] {
	return changes.flatMap(({ shard, owner, epoch }, index) => {
		const before = changes[index - 1];
		if (before === undefined) return [];
		const isRight = owner === null ? epoch === before.epoch : before.owner === null && epoch === before.epoch + 1;
		if (isRight) return [];
		return [`shard ${shard} went from ${before.owner} (epoch ${before.epoch}) to ${owner} (epoch ${epoch})`];
	});
}

/** Changes by which a process has got a shard that delivers nothing. */
export function strangeOwners(
	changes: readonly OwnerChange[],
	byId: ReadonlyMap<string, Pick<Member, "name" | "role"> | undefined>,
): string[] {
	return changes.flatMap(({ shard, owner, epoch }) => {
		const member = byId.get(owner ?? "");
		if (member === undefined || delivers(member.role)) return [];
		return [`shard ${shard} went to ${member.name}, which delivers nothing (epoch ${epoch})`];
	});
}

/** Requests of processes that did not own the webhook's shard when they came. What a suspended process had begun may come later, within its limit. */
function strangeServers(
	round: Surroundings,
	members: Members,
	byShard: ReadonlyMap<number, readonly OwnerChange[]>,
	byId: ReadonlyMap<string, Member | undefined>,
): string[] {
	const strange = round.book.seen.filter(({ webhookId, at, from }) => {
		const changes = byShard.get(shardOf(webhookId)) ?? [];
		return !ownersAt(changes, at).some((owner) => byId.get(owner)?.address === from);
	});
	const late = Map.groupBy(strange, (request) => members.runOf(request));
	return [...late].flatMap(([run, requests]) => {
		if (members.suspendedRuns.has(run) && requests.length <= round.maxInFlight) return [];
		return requests.map(
			({ webhookId, eventId, at, from }) =>
				`${eventId} came to ${webhookId} from ${from} (run ${run}) at ${at}, ` +
				`when its shard belonged to ${describe(ownersAt(byShard.get(shardOf(webhookId)) ?? [], at), byId)}`,
		);
	});
}

/** The owners at a moment: usually one, or none. */
function ownersAt(changes: readonly OwnerChange[], at: number): string[] {
	const from = changes.findLastIndex((change) => change.at <= at - ROUNDING_MS);
	const inForce = changes.slice(Math.max(0, from)).filter((change) => change.at <= at + ROUNDING_MS);
	return inForce.flatMap(({ owner }) => owner ?? []);
}

function describe(owners: readonly string[], byId: ReadonlyMap<string, Member | undefined>): string {
	return owners.map((owner) => byId.get(owner)?.address ?? owner).join() || "nobody";
}

/**
 * A webhook's limits hold over all processes: also after a crash, since a dead owner's shards are free only when its attempts have ended.
 */
function exceededLimits({ book, webhooks, maxInFlightPerWebhook }: Surroundings): string[] {
	const byWebhook = Map.groupBy(book.seen, ({ webhookId }) => webhookId);
	return webhooks.flatMap(({ id, name, perSecond }) => {
		const requests = byWebhook.get(id) ?? [];
		const texts = perSecond === null ? [] : tooSoon(requests, perSecond).map((text) => `${name} got ${text}`);
		const most = mostAtOnce(requests);
		if (most <= maxInFlightPerWebhook) return texts;
		return [...texts, `${name} had ${most} attempts at once, its limit is ${maxInFlightPerWebhook}`];
	});
}

/** The most requests that receivers were busy with at the same time. */
export function mostAtOnce(requests: readonly Pick<Request, "at" | "busyMs">[]): number {
	const changes = requests.flatMap(({ at, busyMs }) => [
		{ at, by: 1 },
		{ at: at + busyMs, by: -1 },
	]);
	let count = 0;
	let most = 0;
	for (const { by } of changes.toSorted((one, other) => one.at - other.at || one.by - other.by)) {
		count += by;
		most = Math.max(most, count);
	}
	return most;
}

/** In any time, however long, a rate limit allows its number for each second, and the same number once for the burst: a move gives no second burst. */
export function tooSoon(requests: readonly Pick<Request, "at">[], perSecond: number): string[] {
	const allowedIn = (ms: number) => 1 + perSecond * (1 + (ms + STALL_MS) / SECOND_MS);
	for (const [index, first] of requests.entries()) {
		for (const [more, last] of requests.slice(index).entries()) {
			const ms = last.at - first.at;
			if (more + 1 > allowedIn(ms))
				return [`${more + 1} requests within ${ms} ms, its limit is ${perSecond} in a second`];
		}
	}
	return [];
}

/** After the last process has stopped, the tables hold no member, no owner, and no delivery that waits. */
async function judgeRest(round: Surroundings): Promise<void> {
	const [row = {}] = await round.database.query(`
		SELECT (SELECT count(*) FROM members) AS members, (SELECT count(owner) FROM shards) AS owners,
			(SELECT count(owner) FROM duties) AS "owners of duties", (SELECT count(*) FROM owner_notes) AS notes,
			(SELECT count(*) FROM open_deliveries WHERE status = 0) AS "pending deliveries"
	`);
	for (const [what, count] of Object.entries(row)) {
		round.expect(Number(count) === 0, `all processes have stopped, and the tables have ${String(count)} ${what}`);
	}
}
