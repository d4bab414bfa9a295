import { appendFileSync } from 'node:fs'
import type { Reporter, TestModule } from 'vitest/node'

/**
 * Writes a line of JSON to a file when a test file begins and when it has ended, so that a run which is cut short can
 * tell what it knows, and which files it was in.
 */
export class TestProgress implements Reporter {
  readonly #file: string

  constructor(file: string) {
    this.#file = file
  }

  onTestModuleStart({ relativeModuleId: file }: TestModule): void {
    this.#tell({ file })
  }

  onTestModuleEnd(module: TestModule): void {
    const results = [...module.children.allTests()].map((test) => test.result().state)
    const passed = results.filter((state) => state === 'passed').length
    const failed = results.filter((state) => state === 'failed').length
    // A file that could not be loaded has no tests.
    const broken = failed === 0 && module.state() === 'failed' ? 1 : 0
    this.#tell({ file: module.relativeModuleId, passed, failed: failed + broken })
  }

  #tell(line: object): void {
    appendFileSync(this.#file, `${JSON.stringify(line)}\n`)
  }
}
