// How far a replay is.
import type { Replay } from "@fanfare/sdk";

import { count, duration } from "../../parts/text/format.ts";
import { useNow } from "../../parts/text/time.tsx";

const TONES = { Running: ["info", "◷"], Finished: ["good", "✓"], Cancelled: ["calm", "⊘"] } as const;

export function ReplayState({ status }: { readonly status: Replay["status"] }) {
	const [tone, glyph] = TONES[status];
	return (
		<span className={`state ${tone}`}>
			<span aria-hidden>{glyph}</span>
			{status}
		</span>
	);
}

export function ProgressBar({ value, label }: { readonly value: number; readonly label: string }) {
	const percent = Math.round(value * 100);
	return (
		<div
			className="progress"
			role="progressbar"
			aria-label={label}
			aria-valuemin={0}
			aria-valuemax={100}
			aria-valuenow={percent}
		>
			<div style={{ width: `${percent}%` }} />
		</div>
	);
}

/** How fast it goes, and when it may be done. */
export function Pace({ replay }: { readonly replay: Replay }) {
	const now = useNow(1_000);
	const elapsedMs = Math.max(1, (replay.endDate ?? now) - replay.createDate);
	const perSecond = replay.deliveryCount / (elapsedMs / 1_000);
	const leftMs = replay.progress > 0 ? (elapsedMs / replay.progress) * (1 - replay.progress) : null;
	const rate = `${perSecond >= 10 ? count(Math.round(perSecond)) : perSecond.toFixed(1)} deliveries a second`;
	if (replay.endDate !== null) return <>took {duration(elapsedMs)}</>;
	return (
		<>
			{rate}
			{leftMs !== null && replay.progress > 0.01 && `, about ${duration(leftMs)} left`}
		</>
	);
}
