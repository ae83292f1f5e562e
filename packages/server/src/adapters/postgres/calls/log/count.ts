// Counts the entries of sources that match, in parts.
import { numberOrNull, textOrNull } from "../../codec/rows.ts";
import type { Session } from "../../connection/session.ts";
import type { Part } from "../keyset.ts";
import { entriesOf, LEAST, LOOK_COST, rangeOf, Values, type Source } from "./source.ts";

/** A part of a count takes this share of what a page may take: somebody waits for the whole count, and other pages wait meanwhile. */
const COUNT_SHARE = 0.5;

/** A part of a count, and the UUID of the last entry that it has looked at; null at the end. */
export interface Counted {
	readonly count: number;
	readonly stoppedAt: string | null;
}

/**
 * Counts the entries that match from the end of a range downwards, as far as all sources have looked. Where rows lie is left out, since
 * somebody waits for the whole count: in smaller parts, it would take longer.
 */
export async function count(
	session: Session,
	sources: readonly Source[],
	range: Pick<Part, "from" | "below">,
	budget: number,
): Promise<Counted> {
	const shares = sharesOf(sources, budget * COUNT_SHARE);
	if (shares === null) return { count: 0, stoppedAt: null };
	const values = new Values();
	const conditions = rangeOf({ ...range, above: null }, values);
	const parts = sources.map((source, index) => {
		const most = source.owners.map(() => shares[index] ?? LEAST);
		const reading = { range: conditions, order: "DESC", reached: [], most } as const;
		const { owners, from, order } = entriesOf(source, reading, values);
		const matches = [
			...source.matches(values, conditions),
			...(source.look === undefined ? [] : [source.look.hasRow(values, null)]),
		];
		return `(
			SELECT looked.id, looked.matches, looked.place = given.most AS is_last FROM ${owners} CROSS JOIN LATERAL (
				SELECT entry.${source.key} AS id, (${matches.join(" AND ") || "TRUE"}) AS matches, row_number() OVER (ORDER BY ${order}) AS place
				FROM ${from}
			) looked
		)`;
	});
	const [row] = await session.query(
		`
			WITH looked AS MATERIALIZED (${parts.join(" UNION ALL ")}),
				edge AS MATERIALIZED (SELECT id FROM looked WHERE is_last ORDER BY id DESC LIMIT 1)
			SELECT count(*) FILTER (WHERE matches AND (id >= (SELECT id FROM edge) OR NOT EXISTS (SELECT 1 FROM edge))) AS count,
				(SELECT id FROM edge) AS edge
			FROM looked
		`,
		values.list,
	);
	return { count: numberOrNull(row?.["count"] ?? null) ?? 0, stoppedAt: textOrNull(row?.["edge"] ?? null) };
}

/** How many entries of each owner a source may look at; null if there is nothing to look at. */
function sharesOf(sources: readonly Source[], budget: number): number[] | null {
	const parts = sources.reduce((sum, { owners }) => sum + owners.length, 0);
	if (parts === 0) return null;
	return sources.map(({ cost, look }) => {
		const each = cost + (look === undefined ? 0 : LOOK_COST);
		return Math.max(LEAST, Math.ceil(budget / parts / each));
	});
}
