/** An address that names no page. */
import { Container, Text, Title } from '@mantine/core';
import type { JSX } from 'react';
import { TextLink } from './text-link.tsx';

export const MissingPage = (): JSX.Element => (
  <Container size="xs" py="xl">
    <Title order={1} size="h2">
      There is no such page
    </Title>
    <Text mt="xs">
      <TextLink to="/">Go to the devices</TextLink>
    </Text>
  </Container>
);
