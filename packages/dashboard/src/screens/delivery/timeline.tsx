// The attempts of a delivery in their order, with the one to come.
import type { Attempt, DeliveryDetail } from "@fanfare/sdk";

import { counted, duration } from "../../parts/text/format.ts";
import { AnswerCode } from "../../parts/text/state.tsx";
import { Time } from "../../parts/text/time.tsx";
import { AttemptLink, type AttemptPlace } from "./attempt-place.tsx";

const TRIGGERS = { auto: null, manual: "by hand", replay: "replay" } as const;

interface TimelineProps {
	readonly delivery: DeliveryDetail;
	/** The number of the attempt that is shown. */
	readonly chosen: number | null;
	readonly place: AttemptPlace;
}

export function Timeline({ delivery, chosen, place }: TimelineProps) {
	const { attempts, attemptCount, nextAttemptDate, hasMoreAttempts } = delivery;
	const newest = attempts.at(-1);
	return (
		<section className="card" aria-label="Attempts">
			<h2 className="card-title card-pad">{counted(attemptCount, "attempt")}</h2>
			<ol className="timeline">
				{hasMoreAttempts && <li className="dim timeline-note">Only the newest {attempts.length} are shown.</li>}
				{attempts.map((attempt) => (
					<li key={attempt.id}>
						<AttemptLink
							className="timeline-item"
							place={place}
							attempt={attempt === newest ? undefined : String(attempt.number)}
							isShown={attempt.number === chosen}
						>
							<Entry attempt={attempt} />
						</AttemptLink>
					</li>
				))}
				{nextAttemptDate !== null && (
					<li className="timeline-note">
						<span aria-hidden>◷</span>
						<span>
							Attempt {attemptCount + 1} at <Time at={nextAttemptDate} />, <Time at={nextAttemptDate} form="distance" />
						</span>
					</li>
				)}
				{delivery.status === "Held" && (
					<li className="timeline-note">
						<span aria-hidden>‖</span> Waits until the webhook is resumed.
					</li>
				)}
			</ol>
		</section>
	);
}

function Entry({
	attempt: { number, startDate, responseCode, durationMs, reason, trigger },
}: {
	readonly attempt: Attempt;
}) {
	return (
		<>
			<span className="num dim">{number}</span>
			<span className="cut">
				<AnswerCode code={responseCode} reason={reason} />
				{TRIGGERS[trigger] !== null && <span className="dim"> · {TRIGGERS[trigger]}</span>}
			</span>
			<span className="dim num">{duration(durationMs)}</span>
			<Time at={startDate} />
		</>
	);
}
