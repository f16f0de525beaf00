/** Colours and defaults: the green of a lapwing's back, the orange of its vent for what needs attention. */
import { Alert, createTheme, Notification, type CSSVariablesResolver, type MantineColorsTuple } from '@mantine/core';

const lapwing: MantineColorsTuple = [
  '#e7f8f3',
  '#d0eee4',
  '#a1dcc8',
  '#6fc9aa',
  '#46b991',
  '#2aae81',
  '#139c70',
  '#0b7a58',
  '#076b4d',
  '#025c41',
];

export const theme = createTheme({
  primaryColor: 'lapwing',
  colors: { lapwing },
  primaryShade: { light: 7, dark: 7 },
  defaultRadius: 'md',
  cursorType: 'pointer',
  autoContrast: true,
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif',
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace',
  headings: { fontWeight: '600' },
  components: {
    // In its own colour the title of an orange one is too pale to read on its ground.
    Alert: Alert.extend({ styles: { title: { color: 'var(--mantine-color-text)' } } }),
    Notification: Notification.extend({ styles: { description: { color: 'var(--mantine-color-dimmed)' } } }),
  },
});

/** Mantine's own are too pale to read for many. */
export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-dimmed': 'var(--mantine-color-gray-7)',
    '--mantine-color-placeholder': 'var(--mantine-color-gray-6)',
  },
  dark: {
    '--mantine-color-dimmed': 'var(--mantine-color-dark-1)',
    '--mantine-color-placeholder': 'var(--mantine-color-dark-2)',
  },
});
