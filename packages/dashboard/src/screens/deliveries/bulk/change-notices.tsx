// The changes of many deliveries that are under way, in a corner: how far each is, and what is not done of one that has ended.
import { Button } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useParams, useRouter } from "@tanstack/react-router";
import { useEffect } from "react";

import { Problem } from "../../../parts/feedback/problem.tsx";
import { count, counted } from "../../../parts/text/format.ts";
import { projectsQuery, useConnection } from "../../../session/caller.ts";
import { ProgressBar } from "../../replays/progress.tsx";
import { DOING, DONE } from "./actions.ts";
import { useAnyUnderWay, useBulkChanges, type BulkChange } from "./bulk-changes.ts";
import { whereOf } from "./where.ts";

/** They belong to the tab: also those of another project than the one that is shown, and where none is. */
export function ChangeNotices() {
	const all = useBulkChanges();
	useQuestionBeforeLeaving(useAnyUnderWay());
	return all.length === 0 ? null : <Notices all={all} />;
}

function Notices({ all }: { readonly all: readonly BulkChange[] }) {
	const { projectId = null } = useParams({ strict: false });
	const { data: projects = [] } = useQuery(projectsQuery(useConnection()));
	return (
		<section className="changes" aria-label="Changes of deliveries">
			{all.map((change) => {
				const where = whereOf(change, { projectId, projects });
				return (
					<div key={change.id} className="card card-pad change">
						{change.state === "ended" ? (
							<Ended change={change} where={where} />
						) : (
							<Running change={change} where={where} />
						)}
					</div>
				);
			})}
		</section>
	);
}

/** The browser asks before it closes the tab: nobody else makes the calls that are left. */
function useQuestionBeforeLeaving(isUnderWay: boolean): void {
	useEffect(() => {
		if (!isUnderWay) return;
		const ask = (event: BeforeUnloadEvent) => event.preventDefault();
		addEventListener("beforeunload", ask);
		return () => removeEventListener("beforeunload", ask);
	}, [isUnderWay]);
}

interface NoticeProps {
	readonly change: BulkChange;
	/** Of which project and list it is; empty if that need not be said. */
	readonly where: string;
}

function Running({ change, where }: NoticeProps) {
	const { changes } = useRouter().options.context;
	const { id, action, object, state, changed, refused, left } = change;
	const done = changed + refused;
	const title = `${DOING[action]} ${object}`;
	const label = where === "" ? title : `${title}: ${where}`;
	return (
		<>
			<div className="bar">
				<strong className="grow">{title}</strong>
				<Button
					size="compact-sm"
					variant="subtle"
					color="gray"
					loading={state === "stopping"}
					onClick={() => changes.stop(id)}
				>
					Stop
				</Button>
			</div>
			<Where words={where} />
			{left !== null && <ProgressBar value={done / Math.max(1, done + left)} label={label} />}
			<p className="flat dim num">
				{left === null ? `${count(done)} so far` : `${count(done)} of ${count(done + left)} so far`}
			</p>
		</>
	);
}

function Ended({ change, where }: NoticeProps) {
	const { changes } = useRouter().options.context;
	const { id, action, object, error, left } = change;
	const title = `${DOING[action]} ${object} ${error === null ? "was stopped" : "has failed"}`;
	return (
		<>
			{error === null ? <strong>{title}</strong> : <Problem error={error} what={title} />}
			<Where words={where} />
			<p className="flat num">{resultOf(change)}</p>
			<div className="bar">
				{left !== 0 && (
					<Button size="xs" variant="default" onClick={() => changes.goOn(id)}>
						Go on
					</Button>
				)}
				<Button size="xs" variant="subtle" color="gray" onClick={() => changes.dismiss(id)}>
					Dismiss
				</Button>
			</div>
		</>
	);
}

/** What tells the change apart from one of another list with the same title. */
function Where({ words }: { readonly words: string }) {
	return words === "" ? null : <p className="flat dim change-where">{words}</p>;
}

/** What is done, and what is not: `7 deliveries are tried again, 4 are not, 1 could not be.` */
function resultOf({ action, changed, refused, left }: BulkChange): string {
	const parts = [
		changed === 0 ? `None is ${DONE[action]}` : `${counted(changed, "delivery is", "deliveries are")} ${DONE[action]}`,
		left === null ? "and more are left" : left > 0 && changed > 0 ? `${counted(left, "is", "are")} not` : "",
		refused > 0 ? `${count(refused)} could not be` : "",
	];
	return `${parts.filter((part) => part !== "").join(", ")}.`;
}
