// S8: one replay: how far it is, what it sends, and a way to stop it.
import type { Replay } from "@fanfare/sdk";
import { Button } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";

import { rangeSearch } from "../../app/search.ts";
import { useIsLive } from "../../live/use-live.ts";
import { Numbers } from "../../parts/chart/numbers.tsx";
import { Confirm } from "../../parts/feedback/confirm.tsx";
import { Problem } from "../../parts/feedback/problem.tsx";
import { FactsShape, Loading, NumbersShape } from "../../parts/feedback/skeletons.tsx";
import { useCall } from "../../parts/feedback/use-call.ts";
import { Fact } from "../../parts/layout/fact.tsx";
import { PageHead } from "../../parts/layout/page-head.tsx";
import { Id } from "../../parts/text/copy.tsx";
import { count } from "../../parts/text/format.ts";
import { ExactTime } from "../../parts/text/time.tsx";
import { useMay, useProject } from "../../session/caller.ts";
import { Period } from "../replays/period.tsx";
import { Pace, ProgressBar, ReplayState } from "../replays/progress.tsx";
import { replayQuery } from "../replays/queries.ts";
import { webhookQuery } from "../webhook/queries.ts";

const route = getRouteApi("/$projectId/replays/$replayId");

export function ReplayScreen() {
	const { replayId } = route.useParams();
	const project = useProject();
	const mayWrite = useMay("write");
	const { data: replay, error, refetch } = useQuery(replayQuery(project, replayId, useIsLive(project.id)));
	return (
		<>
			<PageHead
				title="Replay"
				back={
					<Link className="link" to="/$projectId/replays" params={{ projectId: project.id }} search={{}}>
						‹ Replays
					</Link>
				}
				actions={mayWrite && replay?.status === "Running" && <Cancel replay={replay} />}
			>
				{replay !== undefined && <ReplayState status={replay.status} />}
			</PageHead>
			{error !== null && <Problem error={error} what="The replay could not be loaded" onRetry={refetch} />}
			{replay === undefined && error === null && (
				<Loading label="the replay">
					<NumbersShape count={2} />
					<FactsShape facts={6} />
				</Loading>
			)}
			{replay !== undefined && <Loaded replay={replay} />}
		</>
	);
}

function Loaded({ replay }: { readonly replay: Replay }) {
	const { projectId, webhookId, status, progress, since, until, outcomes, eventTypes, waitingFor } = replay;
	// Undefined also if it is deleted.
	const { data: webhook } = useQuery(webhookQuery(useProject(), webhookId));
	const isWaiting = status === "Running" && webhook !== undefined && webhook.status !== "Enabled";
	return (
		<>
			{isWaiting && (
				<p className="note warn">
					<span>
						<strong>{webhook.name}</strong> is {webhook.status.toLowerCase()}: the replay goes on when it is resumed.
					</span>
				</p>
			)}
			{waitingFor === "storedBytes" && (
				<p className="note warn">
					<span>
						The project has <strong>used up its quota of stored bytes</strong>: the replay goes on by itself when there
						is room.
					</span>
				</p>
			)}
			<section className="card card-pad stack" aria-label="Progress">
				<ProgressBar value={status === "Finished" ? 1 : progress} label="Progress of the replay" />
				<Numbers
					items={[
						{ name: "Deliveries created", value: count(replay.deliveryCount), detail: <Pace replay={replay} /> },
						{ name: "Events looked at", value: count(replay.scannedCount) },
					]}
				/>
				{status === "Finished" && <p className="dim flat">Every event that matches has a new delivery.</p>}
				{status === "Cancelled" && <p className="dim flat">It was stopped: deliveries that it had created went on.</p>}
				<div>
					<Link
						className="link"
						to="/$projectId/deliveries"
						params={{ projectId }}
						// Deliveries do not name their replay: these are all that were created for its webhook while it ran.
						search={{
							webhook: webhookId,
							status: "Failed",
							...rangeSearch(replay.createDate, replay.endDate === null ? undefined : replay.endDate + 1),
						}}
					>
						Deliveries to this webhook that were created meanwhile and failed ›
					</Link>
				</div>
			</section>
			<section className="card card-pad" aria-label="What it sends">
				<dl className="facts">
					<Fact name="To">
						{webhook === undefined ? (
							<Id id={webhookId} label="Copy the webhook's id" />
						) : (
							<Link className="link" to="/$projectId/webhooks/$webhookId" params={{ projectId, webhookId }} search={{}}>
								{webhook.name}
							</Link>
						)}
					</Fact>
					{replay.customerId !== undefined && <Fact name="Customer">{replay.customerId}</Fact>}
					<Fact name="Events accepted">
						<Period since={since} until={until} form="exact" />
					</Fact>
					<Fact name="Newest delivery">{outcomes.join(", ").toLowerCase()}</Fact>
					<Fact name="Event types">{eventTypes === null ? "all" : eventTypes.join(", ")}</Fact>
					<Fact name="Started">
						<ExactTime at={replay.createDate} />
					</Fact>
					{replay.endDate !== null && (
						<Fact name="Ended">
							<ExactTime at={replay.endDate} />
						</Fact>
					)}
					<Fact name="Replay">
						<Id id={replay.id} label="Copy the replay's id" />
					</Fact>
				</dl>
			</section>
		</>
	);
}

function Cancel({ replay }: { readonly replay: Replay }) {
	const project = useProject();
	const queryClient = useQueryClient();
	const [isAsked, asked] = useDisclosure(false);
	const cancel = useCall({
		mutationFn: (id: string) => project.replays.cancel(id),
		onSuccess: (_, __, tell) => {
			tell("Stopped the replay");
			asked.close();
		},
		// Also if it had ended meanwhile.
		onSettled: () => queryClient.invalidateQueries({ queryKey: ["project", project.id] }),
	});
	return (
		<>
			<Button variant="default" onClick={asked.open}>
				Stop…
			</Button>
			<Confirm
				isOpen={isAsked}
				title="Stop the replay?"
				verb="Stop the replay"
				isDangerous
				isBusy={cancel.isPending}
				error={cancel.error}
				failed="The replay was not stopped"
				onConfirm={() => cancel.mutateAsync(replay.id)}
				onClose={asked.close}
			>
				It makes no further delivery. The {count(replay.deliveryCount)} that it has made go on.
			</Confirm>
		</>
	);
}
