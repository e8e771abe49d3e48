// Reads parameters as coma_xr writes them, and says what it has read. Usage: echo FILE
#include <complex>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>
#include <boost/archive/xml_iarchive.hpp>
#include <boost/serialization/complex.hpp>
#include <boost/serialization/nvp.hpp>
#include <boost/serialization/string.hpp>
#include <boost/serialization/vector.hpp>
struct Layout {
    int N = 0; double gap = 0;
    template <class A> void serialize(A& ar, const unsigned) { ar & BOOST_SERIALIZATION_NVP(N) & BOOST_SERIALIZATION_NVP(gap); }
};
#define LOAD(name) ar >> BOOST_SERIALIZATION_NVP(name)
int main(int, char** argv) {
    double x; long long n; bool flag; std::string text; std::complex<double> z; Layout layout;
    std::vector<double> list; std::vector<bool> flags; std::vector<std::string> texts; std::vector<std::vector<double>> matrix;
    try {
        std::ifstream file(argv[1]);
        boost::archive::xml_iarchive ar(file);
        LOAD(x); LOAD(n); LOAD(flag); LOAD(text); LOAD(z); LOAD(layout); LOAD(list); LOAD(flags); LOAD(texts); LOAD(matrix);
    } catch (const std::exception& error) { std::cerr << error.what() << "\n"; return 1; }
    std::cout << std::hexfloat << x << "\n" << n << "\n" << flag << "\n";
    const auto say = [](const std::string& s) { for (unsigned char c : s) std::cout << int(c) << " "; std::cout << "\n"; };
    say(text);
    std::cout << z.real() << " " << z.imag() << "\n" << layout.N << " " << layout.gap << "\n";
    for (double e : list) std::cout << e << " "; std::cout << "\n";
    for (bool e : flags) std::cout << e << " "; std::cout << "\n";
    std::cout << texts.size() << "\n"; for (const auto& s : texts) say(s);
    std::cout << matrix.size() << "\n"; for (const auto& row : matrix) { for (double e : row) std::cout << e << " "; std::cout << "\n"; }
}
