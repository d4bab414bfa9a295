/** Objects that the examples of the API reference name. */
export const exampleIds = {
  dataset: 'ds_01kqxq5t8r0000000000000000',
  consent: 'cons_01kqxq5t8r0000000000000000',
  template: 'tmpl_01kqxq5t8r0000000000000000',
  hash: 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
} as const
