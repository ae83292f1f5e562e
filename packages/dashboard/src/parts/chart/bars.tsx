// Bars over time: what went well and what did not, one bar for each bucket. Own SVG, since a library would be larger than a screen.
import { count, counted } from "../text/format.ts";
import { formatTime, useZone } from "../text/zone.ts";

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
}

const WIDTH = 1_000;
const GAP = 2;

export function Bars({ buckets, goodWord, badWord, height = 120 }: BarsProps) {
	const [zone] = useZone();
	const most = Math.max(1, ...buckets.map(({ good, bad }) => good + bad));
	const step = WIDTH / Math.max(1, buckets.length);
	const good = buckets.reduce((sum, bucket) => sum + bucket.good, 0);
	const bad = buckets.reduce((sum, bucket) => sum + bucket.bad, 0);
	const sentence = `${counted(good, "delivery", "deliveries")} ${goodWord}, ${count(bad)} ${badWord}`;
	// Something that happened is never invisible.
	const heightOf = (value: number) => (value === 0 ? 0 : Math.max(2, (value / most) * (height - 2)));
	const [first, last] = [buckets[0], buckets.at(-1)];
	return (
		<div className="bars">
			<svg
				viewBox={`0 0 ${WIDTH} ${height}`}
				preserveAspectRatio="none"
				height={height}
				role="img"
				aria-label={sentence}
			>
				{buckets.map(({ start, good, bad }, index) => {
					const [goodHeight, badHeight] = [heightOf(good), heightOf(bad)];
					const x = index * step + GAP / 2;
					const width = Math.max(1, step - GAP);
					return (
						<g key={start}>
							<title>{`${formatTime(start, "short", zone)}: ${count(good)} ${goodWord}, ${count(bad)} ${badWord}`}</title>
							<rect x={x} y={0} width={width} height={height} fill="transparent" />
							<rect className="bar-good" x={x} y={height - goodHeight} width={width} height={goodHeight} />
							<rect className="bar-bad" x={x} y={height - goodHeight - badHeight} width={width} height={badHeight} />
						</g>
					);
				})}
			</svg>
			{first !== undefined && last !== undefined && (
				<div className="bars-scale dim num">
					<span>{formatTime(first.start, "short", zone)}</span>
					<span className="bars-key">
						<span className="key-good" aria-hidden /> {goodWord} <span className="key-bad" aria-hidden /> {badWord}
					</span>
					<span>{formatTime(last.start, "short", zone)}</span>
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
									<th scope="row">{formatTime(start, "short", zone)}</th>
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
