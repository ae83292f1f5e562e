// Why attempts fail: the causes, the most frequent first, each with its share and a link to the deliveries behind it.
import type { AttemptCause, StatsValues } from "@fanfare/sdk";
import { Link } from "@tanstack/react-router";

import type { DeliveriesSearch } from "../../app/search.ts";
import { causeWords } from "../text/causes.ts";
import { count, share } from "../text/format.ts";

interface FailureCausesProps {
	readonly projectId: string;
	readonly totals: Pick<StatsValues, "attempts" | "failures">;
	/** Narrows the deliveries that the links show, such as to a webhook. */
	readonly search: DeliveriesSearch;
}

const SHOWN = 8;

export function FailureCauses({ projectId, totals, search }: FailureCausesProps) {
	const { failed } = totals.attempts;
	if (failed === 0) return null;
	const causes = (Object.entries(totals.failures) as [AttemptCause, number][]).toSorted(([, a], [, b]) => b - a);
	const shown = causes.slice(0, SHOWN);
	const rest = causes.slice(SHOWN).reduce((sum, [, times]) => sum + times, 0);
	const known = causes.reduce((sum, [, times]) => sum + times, 0);
	return (
		<section className="card card-pad stack" aria-labelledby="causes">
			<h2 className="card-title" id="causes">
				Why attempts fail <span className="dim num">{count(failed)}</span>
			</h2>
			<ul className="causes">
				{shown.map(([cause, times]) => (
					<li key={cause}>
						<Link
							className="link"
							to="/$projectId/deliveries"
							params={{ projectId }}
							search={{ ...search, cause }}
							title="The deliveries whose last attempt failed like this"
						>
							{causeWords(cause)}
						</Link>
						<ShareBar part={times} whole={failed} />
						<span className="num">{share(times, failed)}</span>
						<span className="dim num">{count(times)}</span>
					</li>
				))}
				{rest > 0 && <Row words={`${causes.length - SHOWN} more`} times={rest} of={failed} />}
				{known < failed && <Row words="cause not recorded by version 0.1" times={failed - known} of={failed} />}
			</ul>
		</section>
	);
}

function Row({ words, times, of }: { readonly words: string; readonly times: number; readonly of: number }) {
	return (
		<li className="dim">
			<span>{words}</span>
			<ShareBar part={times} whole={of} />
			<span className="num">{share(times, of)}</span>
			<span className="num">{count(times)}</span>
		</li>
	);
}

function ShareBar({ part, whole }: { readonly part: number; readonly whole: number }) {
	return (
		<svg className="cause-bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden>
			<rect className="bar-bad" x={0} y={0} width={Math.max(1, (100 * part) / whole)} height={8} />
		</svg>
	);
}
