// The modules of the statements of sends, attempts and retention. calls/busy-plans.all.test.ts has the plans of each on empty, small and large tables.
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The number of places of each where it makes or sends one. */
export const BUSY: Readonly<Record<string, number>> = {
	"calls/accept/new-events.ts": 8,
	"calls/accept/updates.ts": 3,
	"calls/erased.ts": 1,
	"calls/log/attempts.ts": 4,
	"calls/log/by-id.ts": 3,
	"calls/log/events/found-event.ts": 2,
	"calls/log/events/statuses.ts": 4,
	"calls/queue/claim.ts": 4,
	"calls/queue/queue.ts": 7,
	"calls/queue/sweep.ts": 3,
	"calls/replays/replays.ts": 9,
	"calls/replays/search.ts": 6,
	"calls/replays/step.ts": 8,
	"calls/retention/empty-bodies.ts": 1,
	"calls/retention/erase-deliveries.ts": 1,
	"calls/retention/erase.ts": 7,
	"calls/retention/purge-events.ts": 9,
	"calls/retention/responses.ts": 2,
	"calls/retention/retention.ts": 4,
	"calls/retention/walk.ts": 1,
	"calls/usage.ts": 2,
	"calls/webhook-state.ts": 1,
	"deliveries/delivery-set.ts": 4,
	"deliveries/leads.ts": 2,
	"stats/health.ts": 6,
	"stats/journal.ts": 1,
	"stats/roll-up.ts": 4,
	"stats/tables.ts": 4,
};

/** A place where a busy module makes a statement. */
interface Place {
	readonly module: string;
	/** What the text of each statement that is made there has, beside what is put into it. */
	readonly parts: readonly string[];
}

const MAKES = /\b(statement|insertInto|updateOf)\(\s*/g;

/** Finds the places in the sources of the busy modules. */
export function readBusyPlaces(): Place[] {
	return Object.keys(BUSY).flatMap((module) => {
		const source = readFileSync(join(import.meta.dirname, "..", module), "utf8");
		return [...source.matchAll(MAKES)].map(({ 0: all, 1: name, index }) => {
			const literal = literalAt(source, index + all.length);
			const [table = ""] = literal;
			if (name === "insertInto") return { module, parts: [`INSERT INTO ${table} (`] };
			if (name === "updateOf") return { module, parts: [`UPDATE ${table} SET `] };
			return { module, parts: literal };
		});
	});
}

/** The parts of the string or template that begins at a place, or of the one that a function makes that is called there, with its arguments. */
function literalAt(source: string, start: number): string[] {
	if (source[start] === '"') return [source.slice(start + 1, source.indexOf('"', start + 1))];
	if (source[start] === "`") return partsOfTemplate(source, start);
	const [, name, given = ""] = /^(\w+)\(([^)]*)\)/.exec(source.slice(start)) ?? [];
	if (name === undefined) return partsOfTemplate(source, source.indexOf("`", start));
	const made = source.search(new RegExp(`\\b(?:const ${name} = |function ${name}\\()`));
	const own = [...given.matchAll(/"([^"]+)"/g)].map(([, each = ""]) => each);
	return [...partsOfTemplate(source, source.indexOf("`", made)), ...own];
}

/** The texts of a template between what is put into it. */
function partsOfTemplate(source: string, start: number): string[] {
	const parts = [""];
	let depth = 0;
	for (let at = start + 1; at < source.length && (depth > 0 || source[at] !== "`"); at++) {
		if (source.startsWith("${", at)) {
			if (depth++ === 0) parts.push("");
			at++;
		} else if (depth > 0) depth += source[at] === "{" ? 1 : source[at] === "}" ? -1 : 0;
		else parts.push(`${parts.pop() ?? ""}${source[at] ?? ""}`);
	}
	return parts.filter((part) => part.trim() !== "");
}
