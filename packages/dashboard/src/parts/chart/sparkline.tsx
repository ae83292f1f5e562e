// A chart as small as a word: how many attempts succeeded and failed in each bucket. Always of the same size.
import { count } from "../text/format.ts";

interface SparklineProps {
	/** Of each bucket, oldest first. */
	readonly good: readonly number[];
	readonly bad: readonly number[];
	/** The time of all buckets, such as `24 hours`. */
	readonly span: string;
}

const STEP = 4;
const GAP = 1;
const HEIGHT = 20;
/** What happened is never invisible. */
const LEAST = 2;

export function Sparkline({ good, bad, span }: SparklineProps) {
	const totals = good.map((value, index) => value + (bad[index] ?? 0));
	const most = Math.max(1, ...totals);
	const sum = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);
	const attempts = sum(totals);
	const sentence =
		attempts === 0
			? `No attempt in ${span}`
			: `${count(sum(good))} of ${count(attempts)} ${attempts === 1 ? "attempt" : "attempts"} succeeded in ${span}, ${count(sum(bad))} failed`;
	const heightOf = (value: number) => (value === 0 ? 0 : Math.max(LEAST, (value / most) * (HEIGHT - LEAST)));
	return (
		<svg
			className="spark"
			viewBox={`0 0 ${good.length * STEP} ${HEIGHT}`}
			preserveAspectRatio="none"
			role="img"
			aria-label={sentence}
		>
			<title>{sentence}</title>
			<rect className="spark-base" x={0} y={HEIGHT - 1} width={good.length * STEP} height={1} />
			{good.map((value, index) => {
				const failed = heightOf(bad[index] ?? 0);
				const succeeded = Math.min(heightOf(value), HEIGHT - failed);
				const bar = { x: index * STEP, width: STEP - GAP };
				return (
					<g key={index}>
						{succeeded > 0 && <rect className="bar-good" {...bar} y={HEIGHT - succeeded} height={succeeded} />}
						{failed > 0 && <rect className="bar-bad" {...bar} y={HEIGHT - succeeded - failed} height={failed} />}
					</g>
				);
			})}
		</svg>
	);
}
