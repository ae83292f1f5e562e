// How the time of an attempt was spent: look-up, connection, TLS, waiting, answer.
import type { Attempt } from "@fanfare/sdk";

import { duration } from "../../parts/text/format.ts";

export function Phases({
	attempt: { timings, durationMs },
}: {
	readonly attempt: Pick<Attempt, "timings" | "durationMs">;
}) {
	const { lookupMs, connectMs, tlsMs, firstByteMs } = timings;
	const before = (lookupMs ?? 0) + (connectMs ?? 0) + (tlsMs ?? 0);
	const all: readonly (readonly [name: string, ms: number | null])[] = [
		["Look-up", lookupMs],
		["Connection", connectMs],
		["TLS", tlsMs],
		["Waiting", firstByteMs === null ? null : Math.max(0, firstByteMs - before)],
		["Response", firstByteMs === null ? null : Math.max(0, durationMs - firstByteMs)],
	];
	const phases = all.flatMap(([name, ms]) => (ms === null ? [] : [{ name, ms }]));
	const total = phases.reduce((sum, { ms }) => sum + ms, 0);
	if (total === 0) return null;
	return (
		<div className="phases">
			<div className="phases-bar" aria-hidden>
				{phases.map(({ name, ms }, index) => (
					<span key={name} data-phase={index % 5} style={{ flexGrow: Math.max(ms, total / 200) }} />
				))}
			</div>
			<div className="phases-key dim num">
				{phases.map(({ name, ms }, index) => (
					<span key={name}>
						<span className="phase-key" data-phase={index % 5} aria-hidden /> {name} {duration(ms)}
					</span>
				))}
				{connectMs === null && <span>on a connection that was kept</span>}
			</div>
		</div>
	);
}
