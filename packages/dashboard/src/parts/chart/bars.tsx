// Bars over time: what went well and what did not, one bar for each bucket. Own SVG, since a library would be larger than a screen.
import { Button } from "@mantine/core";
import { useId } from "react";

import { count, counted } from "../text/format.ts";
import { formatTime, useZone, type Zone } from "../text/zone.ts";
import { useRangeChoice } from "./use-range-choice.ts";

export interface Bucket {
	/** When it begins, in milliseconds since the epoch. */
	readonly start: number;
	readonly good: number;
	readonly bad: number;
}

interface BarsProps {
	readonly buckets: readonly Bucket[];
	/** What the bars count, such as `succeeded` and `exhausted`. */
	readonly goodWord: string;
	readonly badWord: string;
	readonly height?: number;
	/** If passed, a part can be chosen by dragging or by the arrow keys. It ends before `before`; undefined for now. */
	readonly onRange?: (from: number, before: number | undefined) => void;
}

const WIDTH = 1_000;
const GAP = 2;

export function Bars({ buckets, goodWord, badWord, height = 120, onRange }: BarsProps) {
	const [zone] = useZone();
	const helpId = useId();
	const most = Math.max(1, ...buckets.map(({ good, bad }) => good + bad));
	const step = WIDTH / Math.max(1, buckets.length);
	const good = buckets.reduce((sum, bucket) => sum + bucket.good, 0);
	const bad = buckets.reduce((sum, bucket) => sum + bucket.bad, 0);
	const sentence = `${counted(good, "delivery", "deliveries")} ${goodWord}, ${count(bad)} ${badWord}`;
	// Something that happened is never invisible.
	const heightOf = (value: number) => (value === 0 ? 0 : Math.max(2, (value / most) * (height - 2)));
	const [first, last] = [buckets[0], buckets.at(-1)];
	const choose = (from: number, to: number) => {
		const start = buckets[from]?.start;
		if (start !== undefined) onRange?.(start, buckets[to + 1]?.start);
	};
	const choice = useRangeChoice(buckets.length, choose);
	const { part } = choice;
	const marked = part === null ? null : { from: Math.min(part.anchor, part.end), to: Math.max(part.anchor, part.end) };
	const canChoose = onRange !== undefined && buckets.length > 0;
	const chart = (
		<svg viewBox={`0 0 ${WIDTH} ${height}`} preserveAspectRatio="none" height={height} role="img" aria-label={sentence}>
			{marked !== null && (
				<rect
					className="bars-marked"
					x={marked.from * step}
					y={0}
					width={(marked.to - marked.from + 1) * step}
					height={height}
				/>
			)}
			{buckets.map(({ start, good, bad }, index) => {
				const [goodHeight, badHeight] = [heightOf(good), heightOf(bad)];
				const x = index * step + GAP / 2;
				const width = Math.max(1, step - GAP);
				return (
					<g key={start}>
						<title>{`${formatTime(start, "minute", zone)}: ${count(good)} ${goodWord}, ${count(bad)} ${badWord}`}</title>
						<rect x={x} y={0} width={width} height={height} fill="transparent" />
						<rect className="bar-good" x={x} y={height - goodHeight} width={width} height={goodHeight} />
						<rect className="bar-bad" x={x} y={height - goodHeight - badHeight} width={width} height={badHeight} />
					</g>
				);
			})}
		</svg>
	);
	return (
		<div className="bars">
			{/* What the upper line stands for. */}
			<div className="bars-most dim num" aria-hidden>
				{good + bad === 0 ? "Nothing in this time" : count(most)}
			</div>
			{canChoose ? (
				<div
					className="bars-choice"
					role="slider"
					tabIndex={0}
					aria-label={`Choose a time: ${sentence}`}
					aria-describedby={helpId}
					aria-valuemin={0}
					aria-valuemax={buckets.length - 1}
					aria-valuenow={part?.end ?? buckets.length - 1}
					aria-valuetext={marked === null ? "nothing chosen" : partText(buckets, marked, zone)}
					{...choice.handlers}
				>
					{chart}
				</div>
			) : (
				chart
			)}
			{canChoose && (
				<p id={helpId} className={marked === null ? "unseen" : "bars-part bar"}>
					{marked === null ? (
						"The arrow keys move, with Shift they mark more, Enter shows the deliveries that were created then."
					) : (
						<>
							<span className="num">{partText(buckets, marked, zone)}</span>
							<Button size="compact-xs" disabled={choice.isDragging} onClick={() => choose(marked.from, marked.to)}>
								Show deliveries made then
							</Button>
							<Button size="compact-xs" variant="subtle" disabled={choice.isDragging} onClick={choice.clear}>
								Clear
							</Button>
						</>
					)}
				</p>
			)}
			{first !== undefined && last !== undefined && (
				<div className="bars-scale dim num">
					<span>{formatTime(first.start, "minute", zone)}</span>
					<span className="bars-key">
						<span className="key-good" aria-hidden /> {goodWord} <span className="key-bad" aria-hidden /> {badWord}
					</span>
					<span>{formatTime(last.start, "minute", zone)}</span>
				</div>
			)}
			<details className="as-table">
				<summary className="dim">Show as a table</summary>
				<table>
					<thead>
						<tr>
							<th scope="col">From</th>
							<th scope="col">{goodWord}</th>
							<th scope="col">{badWord}</th>
						</tr>
					</thead>
					<tbody>
						{buckets
							.filter(({ good, bad }) => good + bad > 0)
							.map(({ start, good, bad }) => (
								<tr key={start}>
									<th scope="row">{formatTime(start, "minute", zone)}</th>
									<td>{count(good)}</td>
									<td>{count(bad)}</td>
								</tr>
							))}
					</tbody>
				</table>
			</details>
		</div>
	);
}

/** From when to when, and how many deliveries. */
function partText(
	buckets: readonly Bucket[],
	{ from, to }: { readonly from: number; readonly to: number },
	zone: Zone,
): string {
	const part = buckets.slice(from, to + 1);
	const total = part.reduce((sum, { good, bad }) => sum + good + bad, 0);
	const start = formatTime(part[0]?.start ?? 0, "minute", zone);
	const next = buckets[to + 1]?.start;
	const end = next === undefined ? "now" : formatTime(next, "minute", zone);
	return `${start} – ${end}: ${counted(total, "delivery", "deliveries")}`;
}
