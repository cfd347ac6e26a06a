# Without the NIF (it is built by ./dev build) what samples in this VM cannot be tested, and says so.
exclude = if :drey_nif.load() == :ok, do: [], else: [:nif]
if exclude != [], do: IO.puts("priv/drey_nif.so is not there: tests that sample are left out")
ExUnit.start(exclude: exclude)
