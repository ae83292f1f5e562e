// The form of an endpoint's settings: address, name and events. What others change meanwhile is merged field by field.
import type { UpdateWebhook, Webhook } from "@fanfare/sdk";

import type { Version } from "../../../parts/form/edit/edit.ts";
import { saveWebhook } from "../../../parts/form/edit/save-webhook.ts";
import { useEdit } from "../../../parts/form/edit/use-edit.ts";
import { isShownBy, issueOf } from "../../../parts/form/issues.ts";
import { Button } from "../../parts/form/button.tsx";
import { ChangedElsewhere } from "../../parts/form/changed-elsewhere.tsx";
import { Field } from "../../parts/form/field.tsx";
import { TypesChoice } from "../../parts/form/types-choice.tsx";
import { Problem } from "../../parts/problem.tsx";
import { useChange } from "../../session/queries.ts";
import { useTexts } from "../../texts/reader.tsx";
import { addressError, nameFor } from "../add/address.ts";

interface Draft {
	readonly url: string;
	readonly name: string;
	/** Null for all. */
	readonly types: readonly string[] | null;
}

interface Save {
	readonly sent: Draft;
	readonly changes: UpdateWebhook;
	readonly revision: number;
}

export function SettingsForm({ endpoint }: { readonly endpoint: Webhook }) {
	const { add, endpoint: words } = useTexts();
	const edit = useEdit(versionOf(endpoint));
	const save = useChange(
		(project, { changes }: Save) => saveWebhook(project, endpoint.id, changes),
		(saved, { sent }) => edit.saved(sent, versionOf(saved)),
	);
	if (!save.isPending) edit.follow(versionOf(endpoint));
	const { draft, base, revision, isTouched } = edit;
	const change = (part: Partial<Draft>) => edit.setDraft({ ...draft, ...part });
	const error = edit.errorOf(save);
	const urlError = addressError(draft.url, add) ?? issueOf(error, "spec.endpoint");
	const typesError = draft.types?.length === 0 ? add.noneChosen : issueOf(error, "spec.eventTypes");
	const isWrong = addressError(draft.url, add) !== undefined || draft.types?.length === 0;
	const isBlocked = isWrong || edit.conflicts.length > 0;
	return (
		<form
			className="card pad stack"
			noValidate
			onSubmit={(event) => {
				event.preventDefault();
				if (!isBlocked) save.mutate({ sent: draft, changes: toUpdate(draft, base, revision), revision });
			}}
		>
			<Field
				label={add.url}
				hint={add.urlHint}
				type="url"
				value={draft.url}
				error={urlError}
				onChange={(url) => change({ url })}
			/>
			<Field
				label={add.name}
				hint={add.nameHint}
				value={draft.name}
				error={issueOf(error, "name")}
				onChange={(name) => change({ name })}
			/>
			<TypesChoice chosen={draft.types} error={typesError} onChange={(types) => change({ types })} />
			{error !== null && !isShownBy(error, ["spec.endpoint", "spec.eventTypes", "name"]) && <Problem error={error} />}
			<ChangedElsewhere edit={edit} labels={{ url: add.url, name: add.name, types: add.types }} all={add.allTypes} />
			<div className="bar">
				<Button kind="primary" isSubmit isBusy={save.isPending} isDisabled={isBlocked}>
					{words.save}
				</Button>
				{save.isSuccess && !isTouched && (
					<span className="text-good" role="status">
						✓ {words.saved}
					</span>
				)}
			</div>
		</form>
	);
}

function versionOf({ revision, endpoint, name, eventTypes }: Webhook): Version<Draft> {
	return { revision, draft: { url: endpoint, name, types: eventTypes } };
}

/** Only what was changed: what others change meanwhile stays as they have made it. */
function toUpdate({ url, name, types }: Draft, before: Draft, revision: number): UpdateWebhook {
	const spec = {
		...(url !== before.url && { endpoint: url.trim() }),
		...(JSON.stringify(types) !== JSON.stringify(before.types) && { eventTypes: types }),
	};
	return {
		revision,
		...(name !== before.name && { name: nameFor(name, url) }),
		...(Object.keys(spec).length > 0 && { spec }),
	};
}
