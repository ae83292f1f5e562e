// What a replay would send, over time. Own SVG, like the bars of the overview.
import { count, counted } from "../../parts/text/format.ts";
import { formatTime, useZone } from "../../parts/text/zone.ts";
import type { Slice } from "./queries.ts";

const WIDTH = 1_000;
const HEIGHT = 90;
const GAP = 3;

export function Histogram({ slices, until }: { readonly slices: readonly Slice[]; readonly until: number | null }) {
	const [zone] = useZone();
	const most = Math.max(1, ...slices.map(({ count }) => count));
	const step = WIDTH / Math.max(1, slices.length);
	const total = slices.reduce((sum, slice) => sum + slice.count, 0);
	const first = slices[0];
	return (
		<div className="bars">
			<svg
				viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
				preserveAspectRatio="none"
				height={HEIGHT}
				role="img"
				aria-label={`${counted(total, "event")} over time`}
			>
				{slices.map((slice, index) => {
					// Something that would be sent is never invisible.
					const height = slice.count === 0 ? 0 : Math.max(3, (slice.count / most) * (HEIGHT - 2));
					const place = { x: index * step + GAP / 2, width: Math.max(1, step - GAP) };
					return (
						<g key={slice.start}>
							<title>{`from ${formatTime(slice.start, "minute", zone)}: ${counted(slice.count, "event")}`}</title>
							<rect {...place} y={0} height={HEIGHT} fill="transparent" />
							<rect {...place} className="bar-info" y={HEIGHT - height} height={height} />
							<rect {...place} className="bar-floor" y={HEIGHT - 1} height={1} />
						</g>
					);
				})}
			</svg>
			{first !== undefined && (
				<div className="bars-scale dim num">
					<span>{formatTime(first.start, "minute", zone)}</span>
					<span>{until === null ? "now" : formatTime(until, "minute", zone)}</span>
				</div>
			)}
			<details className="as-table">
				<summary className="dim">Show as a table</summary>
				<table>
					<thead>
						<tr>
							<th scope="col">From</th>
							<th scope="col">Events</th>
						</tr>
					</thead>
					<tbody>
						{slices
							.filter((slice) => slice.count > 0)
							.map((slice) => (
								<tr key={slice.start}>
									<th scope="row">{formatTime(slice.start, "minute", zone)}</th>
									<td>{count(slice.count)}</td>
								</tr>
							))}
					</tbody>
				</table>
			</details>
		</div>
	);
}
