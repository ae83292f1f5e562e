// Deletes a webhook after its name was typed.
import type { Webhook } from "@fanfare/sdk";
import { TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import { Confirm } from "../../parts/feedback/confirm.tsx";
import { useIsShown } from "../../parts/feedback/use-is-shown.ts";
import { counted } from "../../parts/text/format.ts";
import { useProject } from "../../session/caller.ts";
import { useWebhookChange } from "../webhooks/queries.ts";
import { webhookStatsQuery } from "./queries.ts";

interface DeleteWebhookProps {
	readonly webhook: Webhook;
	readonly isOpen: boolean;
	readonly onClose: () => void;
}

export function DeleteWebhook({ webhook, isOpen, onClose }: DeleteWebhookProps) {
	const project = useProject();
	const navigate = useNavigate();
	/** Somebody may have gone to another screen meanwhile. */
	const isHere = useIsShown();
	const [name, setName] = useState("");
	const { data: stats } = useQuery({ ...webhookStatsQuery(project, webhook.id), enabled: isOpen });
	const remove = useWebhookChange(
		({ batch }, id: string) => batch.webhooks.delete(id),
		(_, __, tell) => {
			tell(`Deleted ${webhook.name}`);
			if (isHere()) void navigate({ to: "/$projectId/webhooks", params: { projectId: project.id } });
		},
	);
	const waiting = stats === undefined ? null : stats.deliveries.Pending + stats.deliveries.Held;
	return (
		<Confirm
			isOpen={isOpen}
			title="Delete the webhook?"
			verb={`Delete ${webhook.name}`}
			isDangerous
			isBusy={remove.isPending}
			isBlocked={name.trim() !== webhook.name.trim()}
			error={remove.error}
			failed={`${webhook.name} was not deleted`}
			onConfirm={() => remove.mutateAsync(webhook.id)}
			onClose={onClose}
		>
			<div className="stack tight">
				<p className="flat">
					{waiting === null || waiting === 0
						? "Nothing waits for it. "
						: `${counted(waiting, "waiting delivery", "waiting deliveries")} will be cancelled. `}
					The log of what was sent stays. This cannot be undone; to stop it for a while, pause it.
				</p>
				<TextInput
					label={`Type ${webhook.name} to confirm`}
					data-autofocus
					autoComplete="off"
					value={name}
					onChange={({ currentTarget }) => setName(currentTarget.value)}
				/>
			</div>
		</Confirm>
	);
}
