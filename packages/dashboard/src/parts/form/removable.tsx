// A filter that came from a link, and can only be removed.
import { Button } from "@mantine/core";

import { Icon } from "../layout/icon.tsx";

export function Removable({ text, onRemove }: { readonly text: string; readonly onRemove: () => void }) {
	return (
		<Button
			size="compact-sm"
			variant="light"
			rightSection={<Icon name="cross" size={12} />}
			aria-label={`${text}: remove the filter`}
			onClick={onRemove}
		>
			{text}
		</Button>
	);
}
