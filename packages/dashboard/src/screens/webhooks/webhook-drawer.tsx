// The drawer to create or edit a webhook. Whether it is open is in the address.
import { utils, type Webhook } from "@fanfare/sdk";
import { Drawer } from "@mantine/core";
import { useState } from "react";

import { useWatchedCall } from "../../parts/feedback/late-failures.tsx";
import { closingAt, stageOfOnce, useStage, type Stage } from "../../parts/feedback/stage.ts";
import { useToast } from "../../parts/feedback/toasts.tsx";
import { useFocusBack } from "../../parts/feedback/use-focus-back.ts";
import { useIsShown } from "../../parts/feedback/use-is-shown.ts";
import { ChangedElsewhere } from "../../parts/form/edit/changed-elsewhere.tsx";
import { useEdit } from "../../parts/form/edit/use-edit.ts";
import { NewWebhook } from "./created-webhook.tsx";
import { draftOf, LABELS, NEW, toCreate, toUpdate, type Draft } from "./draft.ts";
import { useWebhookChange } from "./queries.ts";
import { WebhookForm } from "./webhook-form.tsx";

interface WebhookDrawerProps {
	/** `new` or the webhook to edit; null while it is closed. */
	readonly subject: "new" | Webhook | null;
	readonly onClose: () => void;
}

export function WebhookDrawer({ subject, onClose }: WebhookDrawerProps) {
	useFocusBack(subject !== null);
	const [stage, setStage] = useState<Stage>("asking");
	return (
		<Drawer
			opened={subject !== null}
			onClose={onClose}
			position="right"
			size="34rem"
			title={subject === "new" ? "Add a webhook" : "Edit the webhook"}
			{...closingAt(stage)}
		>
			{subject === "new" && <CreateBody onStage={setStage} onClose={onClose} />}
			{subject !== null && subject !== "new" && (
				<EditBody key={subject.id} webhook={subject} onStage={setStage} onClose={onClose} />
			)}
		</Drawer>
	);
}

interface BodyProps {
	readonly onStage: (stage: Stage) => void;
	readonly onClose: () => void;
}

function CreateBody({ onStage, onClose }: BodyProps) {
	const [draft, setDraft] = useState(NEW);
	const [secret] = useState(() => utils.generateWebhookSecret());
	const create = useWebhookChange(({ batch }, draft: Draft) => batch.webhooks.create(toCreate(draft, secret)));
	useStage(stageOfOnce(create), onStage);
	if (create.data !== undefined) return <NewWebhook webhook={create.data} secret={secret} onClose={onClose} />;
	return (
		<WebhookForm
			isNew
			draft={draft}
			verb="Add webhook"
			isBusy={create.isPending}
			error={create.error}
			onChange={setDraft}
			onSubmit={() => create.mutate(draft)}
		/>
	);
}

function EditBody({ webhook, onStage, onClose }: BodyProps & { readonly webhook: Webhook }) {
	const toast = useToast();
	const make = useWatchedCall();
	const isShown = useIsShown();
	const version = { revision: webhook.revision, draft: draftOf(webhook) };
	const edit = useEdit(version);
	const update = useWebhookChange(
		({ batch }, { sent, revision }: Save) => batch.webhooks.update(webhook.id, toUpdate(sent, revision)),
		({ name }) => {
			toast(`Saved ${name}`);
			if (isShown()) onClose();
		},
	);
	if (!update.isPending) edit.follow(version);
	const { draft, revision } = edit;
	useStage(update.isPending ? "working" : "asking", onStage);
	return (
		<WebhookForm
			isNew={false}
			draft={draft}
			verb="Save"
			isBusy={update.isPending}
			isBlocked={edit.conflicts.length > 0}
			error={edit.errorOf(update)}
			onChange={edit.setDraft}
			onSubmit={() => make(`${webhook.name} was not saved`, () => update.mutateAsync({ sent: draft, revision }))}
		>
			<ChangedElsewhere edit={edit} labels={LABELS} />
		</WebhookForm>
	);
}

interface Save {
	readonly sent: Draft;
	readonly revision: number;
}
