// The drawer to create or edit a webhook. Whether it is open is in the address.
import { utils, type Webhook } from "@fanfare/sdk";
import { Drawer } from "@mantine/core";
import { useState } from "react";

import { useToast } from "../../parts/feedback/toasts.tsx";
import { useFocusBack } from "../../parts/feedback/use-focus-back.ts";
import { NewWebhook } from "./created-webhook.tsx";
import { draftOf, NEW, toCreate, toUpdate, type Draft } from "./draft.ts";
import { useWebhookChange } from "./queries.ts";
import { WebhookForm } from "./webhook-form.tsx";

interface WebhookDrawerProps {
	/** `new` or the webhook to edit; null while it is closed. */
	readonly subject: "new" | Webhook | null;
	readonly onClose: () => void;
}

export function WebhookDrawer({ subject, onClose }: WebhookDrawerProps) {
	useFocusBack(subject !== null);
	return (
		<Drawer
			opened={subject !== null}
			onClose={onClose}
			position="right"
			size="34rem"
			title={subject === "new" ? "Add a webhook" : "Edit the webhook"}
		>
			{subject === "new" && <CreateBody onClose={onClose} />}
			{subject !== null && subject !== "new" && <EditBody webhook={subject} onClose={onClose} />}
		</Drawer>
	);
}

function CreateBody({ onClose }: { readonly onClose: () => void }) {
	const [secret] = useState(() => utils.generateWebhookSecret());
	const create = useWebhookChange(({ batch }, draft: Draft) => batch.webhooks.create(toCreate(draft, secret)));
	if (create.data !== undefined) return <NewWebhook webhook={create.data} secret={secret} onClose={onClose} />;
	return (
		<WebhookForm
			isNew
			initial={NEW}
			verb="Add webhook"
			isBusy={create.isPending}
			error={create.error}
			onSubmit={(draft) => create.mutate(draft)}
		/>
	);
}

function EditBody({ webhook, onClose }: { readonly webhook: Webhook; readonly onClose: () => void }) {
	const toast = useToast();
	// The one that the draft was made of: a change by somebody else meanwhile is refused, not overwritten.
	const [original] = useState(webhook);
	const update = useWebhookChange(
		({ batch }, draft: Draft) => batch.webhooks.update(original.id, toUpdate(draft, original.revision)),
		({ name }) => {
			toast(`Saved ${name}`);
			onClose();
		},
	);
	return (
		<WebhookForm
			isNew={false}
			initial={draftOf(original)}
			verb="Save"
			isBusy={update.isPending}
			error={update.error}
			onSubmit={(draft) => update.mutate(draft)}
		/>
	);
}
