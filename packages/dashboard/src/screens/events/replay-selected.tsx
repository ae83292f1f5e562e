// Replays the selected events: to which webhooks, how many deliveries that makes, and then the replays.
import type { Replay } from "@fanfare/sdk";
import { Button } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import { Confirm } from "../../parts/feedback/confirm.tsx";
import { Problem } from "../../parts/feedback/problem.tsx";
import { useCall } from "../../parts/feedback/use-call.ts";
import { count, counted } from "../../parts/text/format.ts";
import { useProject } from "../../session/caller.ts";
import { WebhookMultiSelect } from "../webhooks/webhook-choice.tsx";
import { chosenEstimateQuery } from "./queries.ts";

/** What the server takes at once. */
export const MOST_EVENTS = 1_000;
const MOST_WEBHOOKS = 10;

interface ReplaySelectedProps {
	readonly selected: ReadonlySet<string>;
	/** What the button does. Defaults to `Replay 2 selected`. */
	readonly verb?: string;
	/** Called as it was when the question was asked. */
	readonly onDone: (replays: readonly Replay[]) => void;
}

/** What is asked about, which stays what it is also if rows leave the list. */
type Asked = Pick<ReplaySelectedProps, "selected" | "onDone">;

/** Give it the list as its `key`: a question is about one list, and is gone when another one is shown. */
export function ReplaySelected({ selected, verb, onDone }: ReplaySelectedProps) {
	const [asked, setAsked] = useState<Asked | null>(null);
	const close = () => setAsked(null);
	return (
		<>
			{selected.size > 0 && (
				<Button
					{...(verb === undefined && { size: "xs" })}
					variant="default"
					onClick={() => setAsked({ selected, onDone })}
				>{`${verb ?? `Replay ${count(selected.size)} selected`}…`}</Button>
			)}
			{asked !== null && (
				<ReplayDialog
					eventIds={[...asked.selected]}
					onClose={close}
					onDone={(replays) => {
						// Somebody may have closed it while it was under way, and asked something else since.
						setAsked((now) => (now === asked ? null : now));
						asked.onDone(replays);
					}}
				/>
			)}
		</>
	);
}

interface ReplayDialogProps {
	readonly eventIds: readonly string[];
	readonly onClose: () => void;
	readonly onDone: ReplaySelectedProps["onDone"];
}

function ReplayDialog({ eventIds, onClose, onDone }: ReplayDialogProps) {
	const project = useProject();
	const queryClient = useQueryClient();
	const [webhookIds, setWebhookIds] = useState<readonly string[]>([]);
	// The open list lies over the buttons, so a choice closes it.
	const [isListOpen, setListOpen] = useState(false);
	const estimate = useQuery(chosenEstimateQuery(project, webhookIds, eventIds));
	const start = useCall({
		mutationFn: (webhookIds: readonly string[]) => project.replays.create({ webhookIds, eventIds }),
		onSuccess: async (replays, _, tell) => {
			tell(`${counted(replays.length, "replay")} started`);
			onDone(replays);
			await queryClient.invalidateQueries({ queryKey: ["project", project.id, "replays"] });
		},
	});
	const found = webhookIds.length === 0 ? undefined : estimate.data;
	return (
		<Confirm
			isOpen
			title={`Send ${counted(eventIds.length, "event")} again?`}
			verb={found === undefined ? "Send again" : `Send ${counted(found.count, "delivery", "deliveries")}`}
			isBlocked={found === undefined || found.count === 0}
			isBusy={start.isPending}
			error={start.error}
			failed={`${counted(eventIds.length, "event was", "events were")} not sent again`}
			doubt={{
				what: `It is not known whether ${counted(eventIds.length, "event was", "events were")} sent again`,
				advice: "Look among the replays before you do it again: a second one sends the events twice.",
				look: {
					text: "See the replays",
					link: { to: "/$projectId/replays", params: { projectId: project.id }, search: {} },
				},
			}}
			onConfirm={() => start.mutateAsync(webhookIds)}
			onClose={onClose}
		>
			<div className="stack">
				<WebhookMultiSelect
					label="To these webhooks"
					placeholder={webhookIds.length === 0 ? "Choose up to 10" : ""}
					maxValues={MOST_WEBHOOKS}
					value={webhookIds}
					dropdownOpened={isListOpen}
					onDropdownOpen={() => setListOpen(true)}
					onDropdownClose={() => setListOpen(false)}
					onChange={(chosen) => {
						setWebhookIds(chosen);
						setListOpen(false);
					}}
				/>
				{estimate.isError && (
					<Problem
						error={estimate.error}
						what="The deliveries could not be counted"
						onRetry={() => estimate.refetch()}
					/>
				)}
				<p className="flat dim" role="status">
					{found === undefined
						? "An event that is still on its way to a webhook is not sent to it again, nor one of a type that it has missed and does not want."
						: `This makes ${counted(found.count, "delivery", "deliveries")}.`}
				</p>
			</div>
		</Confirm>
	);
}
