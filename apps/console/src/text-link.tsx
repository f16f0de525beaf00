/** A link to a page of the console that looks like Mantine's links. */
import { Anchor, type AnchorProps } from '@mantine/core';
import { createLink } from '@tanstack/react-router';
import type { AnchorHTMLAttributes, JSX, Ref } from 'react';

interface AnchorElementProps extends AnchorProps, Omit<AnchorHTMLAttributes<HTMLAnchorElement>, keyof AnchorProps> {
  readonly ref?: Ref<HTMLAnchorElement>;
}

const AnchorElement = (props: AnchorElementProps): JSX.Element => <Anchor {...props} />;

export const TextLink = createLink(AnchorElement);
