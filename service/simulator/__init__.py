"""A stand-in for EvoLink's GPT Image 2 API over HTTPS, for the demo, our black-box tests and users' own tests.

It answers in the provider's shapes, makes real images, sends callbacks as the provider does, and can be told to
misbehave: `options.SimulatorOptions` says how, `faults` names the kinds, and `server` runs it. With a seed, the same
submissions have the same ids, outcomes, images and faults, whatever the timing. Everything is forgotten when it ends.
It must not know anything of Darkroom but the names of image formats and what the provider takes and charges.

Words in a prompt decide what happens to that task, so that a test need not depend on chance:

    [fail]  [fail:CODE]   it fails, with `content_policy_violation` or the code given
    [cancel]              it is cancelled
    [complete]            it is completed, whatever the rates
    [fault:KIND]          the fault strikes this task, or each of its images; may be given several times

Routes of its own, beside the provider's, tell the truth and change what comes:

    GET  /simulator/ledger               how often each route was asked, and every task with its true end
    GET  /simulator/api                  state and habits of the task API
    POST /simulator/api                  {"state": "down"} and the like: `api_state.ApiState`, `api_habits.ApiHabits`
    POST /simulator/tasks                tasks of strangers in the same account: `strangers`
    POST /simulator/tasks/{id}/callback  a callback once more
"""
