/** Inputs of the editor that show what is wrong with them: one line of text, and bytes that may be secret. */
import { Button, Group, Input, Text, Textarea, TextInput } from '@mantine/core';
import type { JSX } from 'react';
import { useMistake } from './form-scope.ts';

interface FieldProps {
  readonly label: string;
  readonly description?: string;
  readonly placeholder?: string;
  readonly required?: boolean;
  /** Of what it is in the configuration. */
  readonly pointer: string;
}

interface TextFieldProps extends FieldProps {
  readonly value: string;
  readonly onChange: (text: string) => void;
  readonly numeric?: boolean;
  readonly autoFocus?: boolean;
}

export const TextField = ({ pointer, onChange, numeric, autoFocus, ...rest }: TextFieldProps): JSX.Element => {
  const error = useMistake(pointer);
  return (
    <TextInput
      {...rest}
      autoComplete="off"
      spellCheck={false}
      error={error}
      {...(numeric === true ? { inputMode: 'numeric' as const } : {})}
      {...(autoFocus === true ? { 'data-autofocus': true } : {})}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
};

interface BytesFieldProps extends FieldProps {
  /** Undefined: the server has a secret here that it does not tell. */
  readonly value: string | undefined;
  readonly onChange: (text: string) => void;
}

export const BytesField = ({ pointer, value, onChange, required, ...rest }: BytesFieldProps): JSX.Element => {
  const error = useMistake(pointer);
  if (value === undefined)
    return (
      <Input.Wrapper label={rest.label} labelElement="div" error={error}>
        <Group gap="xs">
          <Text size="sm" className="quiet">
            Stored, and not shown
          </Text>
          <Button size="compact-xs" variant="light" aria-label={`Replace: ${rest.label}`} onClick={() => onChange('')}>
            Replace
          </Button>
        </Group>
      </Input.Wrapper>
    );
  return (
    <Textarea
      {...rest}
      required={required ?? false}
      classNames={{ input: 'mono' }}
      autosize
      minRows={1}
      maxRows={8}
      autoComplete="off"
      spellCheck={false}
      value={value}
      error={error}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
};
