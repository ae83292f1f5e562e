// What the drawer of a webhook shows: the form to create or edit one, and after a creation the secret.
import { utils, type UpdateWebhook, type Webhook } from "@fanfare/sdk";
import { useState } from "react";

import type { Doubt } from "../../../parts/feedback/doubt.ts";
import { useWatchedCall } from "../../../parts/feedback/late-failures.tsx";
import { LeaveQuestion } from "../../../parts/feedback/leave-question.tsx";
import { stageOfOnce, useStage, type Stage } from "../../../parts/feedback/stage.ts";
import { useIsShown } from "../../../parts/feedback/use-is-shown.ts";
import { ChangedElsewhere } from "../../../parts/form/edit/changed-elsewhere.tsx";
import { saveWebhook } from "../../../parts/form/edit/save-webhook.ts";
import { useEdit } from "../../../parts/form/edit/use-edit.ts";
import { useConnection, useProject } from "../../../session/caller.ts";
import { NewWebhook } from "../created-webhook.tsx";
import { useWebhookChange } from "../queries.ts";
import { draftOf, editOfWebhook, LABELS, nameFor, NEW, toCreate, toUpdate, type Draft } from "./draft.ts";
import { WebhookForm } from "./webhook-form.tsx";

interface DrawerBodyProps extends BodyProps {
	readonly subject: "new" | Webhook;
}

export function DrawerBody({ subject, onStage, onClose }: DrawerBodyProps) {
	if (subject === "new") return <CreateBody onStage={onStage} onClose={onClose} />;
	return <EditBody key={subject.id} webhook={subject} onStage={onStage} onClose={onClose} />;
}

interface BodyProps {
	readonly onStage: (stage: Stage) => void;
	readonly onClose: () => void;
}

function CreateBody({ onStage, onClose }: BodyProps) {
	const make = useWatchedCall();
	const { id: projectId } = useProject();
	const [draft, setDraft] = useState(NEW);
	const [secret] = useState(() => utils.generateWebhookSecret());
	const create = useWebhookChange(({ batch }, draft: Draft) => batch.webhooks.create(toCreate(draft, secret)));
	const stage = stageOfOnce(create);
	useStage(stage, onStage);
	const doubtOf = (sent: Draft): Doubt => ({
		what: `It is not known whether ${nameFor(sent)} was added`,
		advice:
			"Look among the webhooks before you add it again. If it is there, replace its secret, which nobody has seen.",
		look: { text: "See the webhooks", link: { to: "/$projectId/webhooks", params: { projectId }, search: {} } },
	});
	return (
		<>
			{create.data === undefined ? (
				<WebhookForm
					isNew
					draft={draft}
					verb="Add webhook"
					isBusy={create.isPending}
					error={create.error}
					doubt={doubtOf(create.variables ?? draft)}
					onChange={setDraft}
					onSubmit={() =>
						make(`${nameFor(draft)} was not added`, () => create.mutateAsync(draft), {
							doubt: doubtOf(draft),
							unseen: ({ name }) => ({
								what: `Nobody has seen the secret of ${name}`,
								advice: "The webhook was added when you had left: replace its secret.",
							}),
						})
					}
				/>
			) : (
				<NewWebhook webhook={create.data} secret={secret} onClose={onClose} />
			)}
			<LeaveQuestion stage={stage} thing="secret" />
		</>
	);
}

function EditBody({ webhook, onStage, onClose }: BodyProps & { readonly webhook: Webhook }) {
	const make = useWatchedCall();
	const isShown = useIsShown();
	const { lostTries } = useConnection();
	const version = { revision: webhook.revision, draft: draftOf(webhook) };
	const edit = useEdit(version, editOfWebhook(webhook.id));
	const update = useWebhookChange(
		(project, { changes }: Save) => saveWebhook(project, webhook.id, changes, lostTries),
		({ name }, _, tell) => {
			tell(`Saved ${name}`);
			if (isShown()) onClose();
		},
	);
	if (!update.isPending) edit.follow(version);
	const { draft, base, revision } = edit;
	const save = () => {
		if (!edit.isTouched) return onClose();
		const changes = toUpdate(webhook, draft, base, revision);
		make(`${webhook.name} was not saved`, () => update.mutateAsync({ changes, revision }), {
			unsaved: { form: editOfWebhook(webhook.id), edit: edit.edit },
		});
	};
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
			onSubmit={save}
		>
			<ChangedElsewhere edit={edit} labels={LABELS} />
		</WebhookForm>
	);
}

interface Save {
	readonly changes: UpdateWebhook;
	readonly revision: number;
}
