// Sends past events again that did not arrive or were never sent: how many first, then how far it is.
import type { Replay as RunningReplay } from "@fanfare/sdk";
import { useQuery } from "@tanstack/react-query";
import { useId, useState } from "react";

import { Button } from "../../parts/form/button.tsx";
import { Note } from "../../parts/note.tsx";
import { Problem } from "../../parts/problem.tsx";
import { useChange } from "../../session/queries.ts";
import { useIsAway } from "../../session/use-changes.ts";
import { useProject } from "../../session/use-session.ts";
import { useReader } from "../../texts/reader.tsx";

const HOUR = 3_600_000;
const PERIODS = { hour: HOUR, day: 24 * HOUR, week: 7 * 24 * HOUR, month: 30 * 24 * HOUR } as const;
type Period = keyof typeof PERIODS;
/** As long as changes do not arrive by themselves. */
const LOOK_EVERY_MS = 10_000;

interface ReplayProps {
	readonly webhookId: string;
	readonly onClose: () => void;
}

export function Replay({ webhookId, onClose }: ReplayProps) {
	const { texts, formats } = useReader();
	const words = texts.replay;
	const id = useId();
	const project = useProject();
	const [period, setPeriod] = useState<Period>("day");
	const [range, setRange] = useState(() => ({ since: Date.now() - PERIODS.day }));
	const estimate = useQuery({
		queryKey: ["project", project.id, "replay-count", webhookId, range.since],
		queryFn: ({ signal }) => project.batch.webhooks.replay(webhookId, { ...range, dryRun: true }, { signal }),
	});
	const start = useChange((project, until: number) =>
		// What was counted is what is sent, also if events have come since.
		project.batch.webhooks.replay(webhookId, { ...range, until: Math.max(until, range.since + 1) }),
	);
	if (start.data !== undefined) return <Progress replay={start.data} onClose={onClose} />;
	const { data: found } = estimate;
	return (
		<section className="ask" aria-label={words.title}>
			<p className="flat">{words.text}</p>
			<div className="bar">
				<label htmlFor={id}>{words.period}</label>
				<select
					id={id}
					value={period}
					onChange={({ currentTarget }) => {
						const chosen = currentTarget.value as Period;
						setPeriod(chosen);
						setRange({ since: Date.now() - PERIODS[chosen] });
					}}
				>
					{(Object.keys(PERIODS) as Period[]).map((one) => (
						<option key={one} value={one}>
							{words[one]}
						</option>
					))}
				</select>
				<span role="status" className="dim">
					{found === undefined
						? !estimate.isError && words.counting
						: found.count === 0
							? words.none
							: found.complete
								? words.found(found.count, formats.number(found.count))
								: words.atLeast(formats.number(found.count))}
				</span>
			</div>
			{estimate.isError && <Problem error={estimate.error} />}
			{start.isError && <Problem error={start.error} isMaking />}
			<div className="bar">
				{found !== undefined && found.count > 0 && (
					<Button kind="primary" isBusy={start.isPending} onClick={() => start.mutate(found.until ?? Date.now())}>
						{words.start(found.count, formats.number(found.count))}
					</Button>
				)}
				<Button onClick={onClose}>{texts.cancel}</Button>
			</div>
		</section>
	);
}

function Progress({ replay: started, onClose }: { readonly replay: RunningReplay; readonly onClose: () => void }) {
	const { texts, formats } = useReader();
	const words = texts.replay;
	const project = useProject();
	const isAway = useIsAway(project.id);
	const { data: replay = started } = useQuery({
		queryKey: ["project", project.id, "replay", started.id],
		queryFn: ({ signal }) => project.replays.get(started.id, { signal }),
		refetchInterval: ({ state }) => (isAway && state.data?.status === "Running" ? LOOK_EVERY_MS : false),
	});
	const stop = useChange((project) => project.replays.cancel(started.id));
	const isRunning = replay.status === "Running";
	const { deliveryCount, progress } = replay;
	return (
		<section className="ask" aria-label={words.title}>
			{isRunning ? (
				<>
					<progress value={progress} aria-label={words.title} />
					<p className="flat" role="status">
						{replay.waitingFor === undefined ? words.running(formats.percent(progress)) : words.waiting}
					</p>
				</>
			) : (
				<Note
					tone={replay.status === "Finished" ? "good" : "warn"}
					role="status"
					title={
						replay.status === "Finished" ? words.done(deliveryCount, formats.number(deliveryCount)) : words.stopped
					}
				/>
			)}
			{stop.isError && isRunning && <Problem error={stop.error} />}
			<div className="bar">
				{isRunning ? (
					<Button isBusy={stop.isPending} onClick={() => stop.mutate(null)}>
						{words.stop}
					</Button>
				) : (
					<Button onClick={onClose}>{texts.close}</Button>
				)}
			</div>
		</section>
	);
}
