defmodule Drey.ResultTest do
  use ExUnit.Case, async: true
  doctest Drey.Result

  defp row(name) do
    %{name: name, mean: 0.5, sd: 1.0, mcse: 0.02, q5: -1.1, median: 0.5, q95: 2.1, rhat: 1.0004}
    |> Map.merge(%{ess_bulk: 812.0, ess_tail: 640.2})
  end

  defp result(names) do
    Drey.Result.new(%{
      draws: %{mu: {:f32, [2, 100], <<0::6400>>}},
      summary: Enum.map(names, &row/1),
      device: "llvmpipe",
      warnings: ["3 divergent transitions"],
      more: 1
    })
  end

  test "names what it has draws of" do
    assert_raise ArgumentError, "there are no draws of :nu, only of :mu", fn ->
      Drey.Result.draws(result([]), :nu)
    end
  end

  test "inspects as a table with its warnings" do
    text = inspect(result(["mu", "theta[1]"]))
    assert text =~ "2 chains of 100 draws, f32, on llvmpipe"
    assert text =~ ~r/theta\[1\] +0.50 +1.00 +0.020 +-1.10 +0.50 +2.10 +1.000 +812 +640/
    assert text =~ "warning: 3 divergent transitions"
  end

  test "inspects its health and its end" do
    healthy = %{
      diagnostics: %{divergent: 2, depth_hits: 1, ebfmi_min: 0.85},
      stop: %{reached: true, draws: 62}
    }

    text = inspect(struct(result(["mu"]), healthy))
    assert text =~ "divergent 2, at max_depth 1, lowest E-BFMI 0.85"
    assert text =~ "stopped by rule at draw 62"

    capped = %{
      diagnostics: %{divergent: 0, depth_hits: 0, ebfmi_min: "nan"},
      stop: %{reached: false, draws: 60}
    }

    text = inspect(struct(result(["mu"]), capped))
    assert text =~ "lowest E-BFMI nan"
    assert text =~ "stopped by the cap at draw 60"
    refute inspect(result(["mu"])) =~ "divergent 0"
    assert Drey.Result.divergences(result(["mu"])) == []
    refute inspect(result([])) =~ "rhat"
  end

  test "inspect heeds the limit" do
    text = inspect(result(for i <- 1..60, do: "theta[#{i}]"), limit: 10)
    assert text =~ "... and 50 more"
    refute text =~ "theta[11]"
  end

  test "keeps what it does not know" do
    assert result(["mu"]).details == %{more: 1}
  end

  test "rows by name" do
    assert %{name: "mu"} = Drey.Result.row(result(["mu"]), :mu)
    assert nil == Drey.Result.row(result(["mu"]), "nu")
  end
end
